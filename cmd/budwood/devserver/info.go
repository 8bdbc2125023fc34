package devserver

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"time"

	"budwood"
)

const uiScheme = "http://"

// Info says where a server answers.
type Info struct {
	PID       int       `json:"pid"`
	Address   string    `json:"address"` // host:port of the gRPC frontend
	Key       string    `json:"key"`     // file of the key that it asks for; see [workflows.ServerTLS]
	UIURL     string    `json:"ui_url"`
	Namespace string    `json:"namespace"`
	Version   string    `json:"version"` // of the Temporal server
	Database  string    `json:"database"`
	Started   time.Time `json:"started"`
}

// Running returns the server of a state directory ("" means [budwood.Home]), and false
// if none runs. It starts nothing and creates nothing.
func Running(home string) (Info, bool) {
	if home == "" {
		var err error
		if home, err = budwood.Home(); err != nil {
			return Info{}, false
		}
	}
	info, err := readInfo(home)
	if err != nil {
		return Info{}, false
	}
	// The file outlives a killed server, the lock does not.
	lock, err := tryLock(filepath.Join(home, serverLock), shared)
	if err == nil {
		lock.Close()
	}
	return info, errors.Is(err, errLocked)
}

// ports are those of the two addresses.
func (i Info) ports() (ports, error) {
	grpc, err := netip.ParseAddrPort(i.Address)
	if err != nil {
		return ports{}, fmt.Errorf("%s: address: %w", infoFile, err)
	}
	ui, err := netip.ParseAddrPort(strings.TrimPrefix(i.UIURL, uiScheme))
	if err != nil {
		return ports{}, fmt.Errorf("%s: ui_url: %w", infoFile, err)
	}
	return ports{int(grpc.Port()), int(ui.Port())}, nil
}

func readInfo(home string) (Info, error) {
	var info Info
	data, err := os.ReadFile(filepath.Join(home, infoFile))
	if err != nil {
		return info, err
	}
	return info, json.Unmarshal(data, &info)
}

// writeInfo replaces the file in one step: a reader sees the old or the new one.
func writeInfo(home string, info Info) error {
	data, err := json.MarshalIndent(info, "", "  ")
	if err != nil {
		return err
	}
	path := filepath.Join(home, infoFile)
	if err := os.WriteFile(path+".new", append(data, '\n'), 0o600); err != nil {
		return fmt.Errorf("say where the server answers: %w", err)
	}
	return os.Rename(path+".new", path)
}
