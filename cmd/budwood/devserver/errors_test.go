package devserver

import (
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"testing"
)

func TestBusyPort(t *testing.T) {
	t.Parallel()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	busy := l.Addr().(*net.TCPAddr).Port

	home := stateDir(t)
	_, err = Ensure(t.Context(), Options{Home: home, Port: busy})
	wantLine(t, err, "port "+strconv.Itoa(busy)+" is in use by another program", "--port")
	_, err = Ensure(t.Context(), Options{Home: home, UIPort: busy})
	wantLine(t, err, "port "+strconv.Itoa(busy)+" is in use by another program", "--ui-port")
	_, err = Ensure(t.Context(), Options{Home: home, Port: 70000})
	wantLine(t, err, "70000 is not a port")

	// A port of the settings is only a wish.
	if got, err := pickPort("127.0.0.1", busy, false, "--port"); err != nil || got == busy || got == 0 {
		t.Errorf("pickPort: %d, %v", got, err)
	}
}

func TestUnwritableHome(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	homes := []string{filepath.Join(file, "budwood")}
	if runtime.GOOS == "linux" {
		homes = append(homes, "/proc/budwood") // nobody can, not even root
	}
	if os.Geteuid() != 0 { // whom permissions do not stop
		dir := t.TempDir()
		if err := os.Chmod(dir, 0o500); err != nil {
			t.Fatal(err)
		}
		homes = append(homes, dir, filepath.Join(dir, "budwood"))
	}
	for _, home := range homes {
		_, err := Ensure(t.Context(), Options{Home: home})
		wantLine(t, err, "state directory "+home+" cannot be written to", "BUDWOOD_HOME")
	}
	if _, ok := Running(homes[0]); ok {
		t.Error("running where nothing can run")
	}
}

func TestDamagedDatabase(t *testing.T) {
	t.Parallel()
	c, err := ReadConfig(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	sound := filepath.Join(t.TempDir(), "sound.db")
	c.SQLite = map[string]string{"journal_mode": "delete", "synchronous": "off"}
	if _, err := openDatabase(sound, c); err != nil {
		t.Fatal(err)
	}
	if _, err := openDatabase(sound, c); err != nil {
		t.Fatalf("the same once more: %v", err)
	}
	data, err := os.ReadFile(sound)
	if err != nil {
		t.Fatal(err)
	}
	const page = 4096
	scribbled := append([]byte(nil), data...)
	for i := page; i < len(scribbled); i += page {
		copy(scribbled[i:i+200], strings.Repeat("x", 200))
	}
	for name, content := range map[string][]byte{
		"empty":     {},
		"text":      []byte(strings.Repeat("this is not a database\n", 1000)),
		"truncated": data[:len(data)/2],
		"scribbled": scribbled,
	} {
		t.Run(name, func(t *testing.T) {
			home := stateDir(t)
			path := c.databasePath(home)
			if err := os.WriteFile(path, content, 0o600); err != nil {
				t.Fatal(err)
			}
			_, err := Ensure(t.Context(), Options{Home: home})
			wantLine(t, err, "database "+path+" is damaged", "move it away")
			if now, err := os.ReadFile(path); err != nil || string(now) != string(content) {
				t.Errorf("the file was changed (%v)", err)
			}
		})
	}
	t.Run("directory", func(t *testing.T) {
		home := stateDir(t)
		if err := os.Mkdir(c.databasePath(home), 0o700); err != nil {
			t.Fatal(err)
		}
		_, err := Ensure(t.Context(), Options{Home: home})
		wantLine(t, err, "database "+c.databasePath(home)+" cannot be opened", "is a directory")
	})
	t.Run("unfinished", func(t *testing.T) {
		path := filepath.Join(t.TempDir(), "half.db")
		for _, p := range []string{path, unfinished(path)} {
			if err := os.WriteFile(p, data[:len(data)/2], 0o600); err != nil {
				t.Fatal(err)
			}
		}
		if _, err := openDatabase(path, c); err != nil {
			t.Fatalf("a creation cut short was not begun again: %v", err)
		}
		if err := checkDatabase(path); err != nil {
			t.Error(err)
		}
		if _, err := os.Stat(unfinished(path)); err == nil {
			t.Error("still marked as unfinished")
		}
	})
}

func TestConfig(t *testing.T) {
	t.Parallel()
	home := t.TempDir()
	c, err := ReadConfig(home)
	if err != nil {
		t.Fatal(err)
	}
	if c.IP != "127.0.0.1" || c.Port != 7233 || c.UIPort != 8233 || len(c.DynamicConfig) < 3 || c.SQLite["journal_mode"] != "wal" {
		t.Errorf("built-in settings: %+v", c)
	}
	if got, want := c.databasePath("/s"), "/s/temporal-"+Version+".db"; got != want {
		t.Errorf("database %s, want %s", got, want)
	}
	for text, words := range map[string][]string{
		"prot: 1":                           {"prot", configFile},
		"port: many":                        {"[1:7] many is not of type int", configFile},
		"port: -1":                          {"port: -1 is not a port"},
		"ui_port: 65536":                    {"ui_port: 65536 is not a port"},
		"ui_hosts: ['http://a.example']":    {"ui_hosts", "http://a.example"},
		"ui_hosts: ['a.example:80']":        {"ui_hosts", "a.example:80", "without a port"},
		"ui_hosts: [A.example]":             {"ui_hosts", "A.example"},
		"ip: 0.0.0.0":                       {"not a loopback address"},
		"ip: example.org":                   {"not a loopback address"},
		"namespace: ''":                     {"namespace"},
		"retention: 1m":                     {"retention: 1m0s"},
		"linger: soon":                      {`invalid duration "soon"`, configFile},
		"linger: -1s":                       {"linger: -1s"},
		"log_level: loud":                   {"log_level", "loud"},
		"database: ../x.db":                 {"database", "../x.db"},
		"search_attributes: {A: Colour}":    {"search_attributes: A", "Colour"},
		"search_attributes:\n  - A\n  - B":  {configFile},
		"port: 1\nport: 2":                  {configFile},
		"port: [1\n":                        {configFile},
		"dynamic_config: {a: 1}\nport: ''":  {configFile},
		strings.Repeat("a: ", 50) + "b\n\t": {configFile},
	} {
		if err := os.WriteFile(filepath.Join(home, configFile), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		_, err := ReadConfig(home)
		wantLine(t, err, words...)
	}
	more := "port: 7000\ndynamic_config: {x.y: 2}\nsearch_attributes: {Extra: Text}\n"
	if err := os.WriteFile(filepath.Join(home, configFile), []byte(more), 0o600); err != nil {
		t.Fatal(err)
	}
	d, err := ReadConfig(home)
	if err != nil {
		t.Fatal(err)
	}
	if d.Port != 7000 || d.UIPort != c.UIPort || len(d.DynamicConfig) != len(c.DynamicConfig)+1 || len(d.SearchAttributes) != len(c.SearchAttributes)+1 {
		t.Errorf("settings of the state directory: %+v", d)
	}
}

func TestMainUsage(t *testing.T) {
	t.Parallel()
	home := t.TempDir()
	for _, tt := range []struct {
		args []string
		code int
		say  string
	}{
		{nil, 2, "usage"},
		{[]string{"fly"}, 2, "usage"},
		{[]string{"serve", "-port", "x"}, 2, "usage"},
		{[]string{"serve", "-home", home}, 1, "only budwood itself starts this command"},
		{[]string{"attach", "-home", "/proc/budwood"}, 1, "cannot be written to"},
	} {
		cmd := exec.Command(os.Args[0], append([]string{Command}, tt.args...)...)
		out, _ := cmd.CombinedOutput()
		if code := cmd.ProcessState.ExitCode(); code != tt.code || !strings.Contains(string(out), tt.say) {
			t.Errorf("%q: code %d, %s", tt.args, code, out)
		}
	}
}

func TestLog(t *testing.T) {
	t.Parallel()
	home := t.TempDir()
	if err := os.Mkdir(filepath.Join(home, filepath.Dir(logFile)), 0o700); err != nil {
		t.Fatal(err)
	}
	f, err := newLog(home)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	write := func(s string) {
		t.Helper()
		if _, err := f.WriteString(s); err != nil {
			t.Fatal(err)
		}
	}
	if got := lastError(f.Name()); got != "it wrote nothing" {
		t.Error(got)
	}
	write("plain\n")
	if got := lastError(f.Name()); got != "plain" {
		t.Error(got)
	}
	write(`{"level":"fatal","msg":"cannot listen","error":"address in use"}` + "\n" + `{"level":"warn","msg":"bye"}` + "\n")
	if got := lastError(f.Name()); got != "cannot listen address in use" {
		t.Error(got)
	}
	write(strings.Repeat("x", 1000))
	limitLog(f, 1<<20)
	if st, _ := f.Stat(); st.Size() < 1000 {
		t.Error("cut too early")
	}
	limitLog(f, 1000)
	write("y")
	if st, _ := f.Stat(); st.Size() != 1 {
		t.Errorf("%d bytes after the cut, want the one written since", st.Size())
	}
	g, err := newLog(home)
	if err != nil {
		t.Fatal(err)
	}
	g.Close()
	if last, err := os.ReadFile(f.Name() + ".1"); err != nil || string(last) != "y" {
		t.Errorf("the last log: %q, %v", last, err)
	}
}
