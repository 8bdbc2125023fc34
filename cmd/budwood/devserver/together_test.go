package devserver

import (
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"testing"
)

// Servers of several state directories that start at the same moment all want
// the port of the settings. One gets it, and the others take free ones.
func TestStartTogether(t *testing.T) {
	port, err := freePort("127.0.0.1")
	if err != nil {
		t.Fatal(err)
	}
	servers := make([]*Server, 3)
	var all sync.WaitGroup
	for i := range servers {
		home := stateDir(t)
		settings := fmt.Sprintf("port: %d\nui_port: %d\nlinger: 300ms\n", port, port+1)
		if err := os.WriteFile(filepath.Join(home, configFile), []byte(settings), 0o600); err != nil {
			t.Fatal(err)
		}
		all.Go(func() {
			s, err := Ensure(t.Context(), Options{Home: home, Progress: func(line string) { t.Log(line) }})
			if err != nil {
				t.Error(err)
				return
			}
			servers[i] = s
		})
	}
	all.Wait()
	seen := map[string]bool{}
	for _, s := range servers {
		if s == nil {
			continue
		}
		if seen[s.Address] {
			t.Errorf("two servers at %s", s.Address)
		}
		seen[s.Address] = true
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	}
}
