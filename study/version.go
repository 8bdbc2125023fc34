package study

import (
	"encoding/json"
	"fmt"
	"reflect"
	"slices"
	"strings"

	"budwood/data"
	"budwood/search"
	"budwood/trials/segment"
	"budwood/trials/store"
)

// Version is that of what would train the study's trials now: its command, or its
// data; not known for an objective in Go.
func (s *Spec) Version() segment.Version {
	if c := s.Program(); c != nil {
		return c.Version()
	}
	if s.Data != nil {
		return dataVersion(s.Data.Digests)
	}
	return nil
}

// dataVersion has a part for each file.
func dataVersion(digests map[string]data.Digest) segment.Version {
	v := segment.Version{}
	for key, d := range digests {
		if d.Valid() {
			v["data."+key] = d.SHA256[:16]
		}
	}
	return v
}

// SameCommand reports whether a stored study has the same command as it has now.
func SameCommand(stored json.RawMessage, s *Spec) bool {
	var old Spec
	return json.Unmarshal(stored, &old) != nil || reflect.DeepEqual(old.Command, s.Command)
}

// DescribeChange says in one line which trials were trained by other versions than
// the present one, and how to leave them out; "" if none was.
func DescribeChange(study string, list []store.Trained, now segment.Version) string {
	var parts, before []string
	var ids []int
	for _, t := range list {
		if changed := t.Version.Changed(now); len(changed) > 0 {
			parts, ids, before = append(parts, changed...), append(ids, t.Trials...), append(before, t.ID)
		}
	}
	what := changed(parts)
	switch ids = sorted(ids); len(ids) {
	case 0:
		return ""
	case 1:
		return fmt.Sprintf("%s: 1 trial (%s) is of the version before (%s, now %s); to leave it out: %s", what, search.TrialName(ids[0]), before[0], now.ID(),
			DropCommand(study, ids, what))
	}
	of := "the version"
	if len(before) > 1 {
		of = "versions"
	}
	return fmt.Sprintf("%s: %d trials (%s) are of %s before (%s, now %s); to leave them out: %s", what, len(ids), search.TrialRanges(ids), of,
		strings.Join(before, ", "), now.ID(), DropCommand(study, ids, what))
}

// DescribeVersions says which trials were trained by which version, if there is
// more than one; "" else.
func DescribeVersions(study string, list []store.Trained) string {
	var groups []store.Trained
	for _, t := range list {
		same := func(g store.Trained) bool { return len(g.Version.Changed(t.Version)) == 0 }
		if i := slices.IndexFunc(groups, same); i >= 0 {
			groups[i].Trials = sorted(append(slices.Clone(groups[i].Trials), t.Trials...))
		} else {
			groups = append(groups, t)
		}
	}
	if len(groups) < 2 {
		return ""
	}
	last := groups[len(groups)-1]
	var of, parts []string
	var before []int
	for i, g := range groups {
		of = append(of, fmt.Sprintf("%s of version %s", search.TrialRanges(g.Trials), g.ID))
		if i < len(groups)-1 {
			parts, before = append(parts, g.Version.Changed(last.Version)...), append(before, g.Trials...)
		}
	}
	what := changed(parts)
	return fmt.Sprintf("%s (%s); to leave those before out: %s", strings.Join(of, ", "), what, DropCommand(study, before, what))
}

// DropCommand is the command that sets trials aside.
func DropCommand(study string, ids []int, why string) string {
	return fmt.Sprintf("budwood trial drop %s %s --why '%s'", study, search.TrialRanges(sorted(ids)), strings.ReplaceAll(why, "'", "’"))
}

func changed(parts []string) string {
	slices.Sort(parts)
	return segment.HasChanged(slices.Compact(parts))
}

func sorted(ids []int) []int {
	slices.Sort(ids)
	return slices.Compact(ids)
}
