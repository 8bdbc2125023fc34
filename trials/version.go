package trials

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"
	"sync"
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

// digestOf is the digest of a part.
func digestOf(b []byte) string {
	sum := sha256.Sum256(b)
	return hex.EncodeToString(sum[:])[:16]
}

func (v Version) record(w *writer, study int64) error {
	id := v.ID()
	if id == "" {
		return nil
	}
	parts, err := json.Marshal(v)
	if err != nil {
		return err
	}
	return w.exec(`INSERT INTO versions (study, version, parts) VALUES (?, ?, ?) ON CONFLICT DO NOTHING`, study, id, string(parts))
}

// Build is the version of the running program: that of its executable file, which
// is the same whenever the same source is compiled, also by go run and go test.
var Build = sync.OnceValue(func() Version {
	path := "/proc/self/exe" // what runs, whatever lies at its place by now
	if !exists(path) {
		path, _ = os.Executable()
	}
	digest, err := digestFile(path, false)
	if err != nil {
		return nil
	}
	return VersionNamed("build " + digest[:8])
})
