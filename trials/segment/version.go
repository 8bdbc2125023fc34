package segment

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"maps"
	"slices"
	"strings"
)

// Version identifies what trains a trial: each part of it, such as a file of a
// program, with a digest of what is in it. A part with the digest "" is known not
// to tell anything: a file that the program writes. The zero value is not known.
type Version map[string]string

// objective is the one part of an objective in Go.
const objective = "the objective"

// VersionNamed is that of an objective in Go which is called so.
func VersionNamed(name string) Version {
	if name == "" {
		return nil
	}
	return Version{objective: name}
}

// ID is the version in eight hexadecimal digits, or the name that it was given; ""
// if it is not known.
func (v Version) ID() string {
	if name := v[objective]; name != "" && len(v) == 1 {
		return name
	}
	h := sha256.New()
	known := false
	for _, name := range slices.Sorted(maps.Keys(v)) {
		if v[name] != "" {
			known = true
			fmt.Fprintf(h, "%q %s\n", name, v[name])
		}
	}
	if !known {
		return ""
	}
	return hex.EncodeToString(h.Sum(nil))[:8]
}

// Changed are the parts that differ in another version, in alphabetical order.
func (v Version) Changed(w Version) []string {
	var out []string
	if v.ID() == "" || w.ID() == "" {
		return nil
	}
	names := maps.Clone(v)
	maps.Copy(names, w)
	for _, name := range slices.Sorted(maps.Keys(names)) {
		a, had := v[name]
		b, has := w[name]
		if a != b && !(had && a == "") && !(has && b == "") {
			out = append(out, name)
		}
	}
	return out
}

// HasChanged says in words that parts have changed: "train.py has changed", "env
// SCALE, model.py and train.py have changed".
func HasChanged(parts []string) string {
	const most = 5
	if n := len(parts) - most; n > 1 {
		parts = append(slices.Clone(parts[:most]), fmt.Sprintf("%d more", n))
	}
	switch n := len(parts); n {
	case 0:
		return "nothing has changed"
	case 1:
		return parts[0] + " has changed"
	default:
		return strings.Join(parts[:n-1], ", ") + " and " + parts[n-1] + " have changed"
	}
}

// versionNote says that a trial goes on under another version after an epoch.
func VersionNote(after int, now, before string) string {
	return fmt.Sprintf("from epoch %d on under version %s instead of %s", after+1, now, before)
}

// underVersion reports whether a note is one of [versionNote].
func IsVersionNote(note string) bool { return strings.Contains(note, " on under version ") }
