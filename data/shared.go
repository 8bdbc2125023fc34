package data

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime/debug"
	"syscall"
	"time"
)

// Shared is a directory of decoded data sets, which all processes of a machine
// read. A source is decoded by the process that wants it first; its inputs are then
// read from pages of the file, which take memory once, however many read them, and
// only as long as there is memory to spare.
type Shared struct {
	Dir string            // is made if the directory above it is there
	Max int64             // bytes; those used last stay. 0: any number
	Log func(text string) // hears why a set is not shared; nil: nobody
}

const decoded = ".rows" // ends the names of decoded sets

// idle is how long a decoded set stays that nobody asks for: those of another build of
// the program are asked for by nobody.
const idle = 7 * 24 * time.Hour

// smallest is the inputs that are worth a file, in bytes. Fewer stay in memory.
const smallest = 1 << 20

// load is a source's data set from its file, which is written if there is none.
// The source has digests: its key says what is in it.
func (h *Shared) load(ctx context.Context, key string, s Source) (*Data, error) {
	path, err := h.path(key)
	if err != nil {
		h.say(err)
		return Load(ctx, s)
	}
	if d := h.open(path); d != nil {
		return d, nil
	}
	lock, err := lockFile(ctx, path+".lock")
	if err != nil {
		if ctx.Err() != nil {
			return nil, ctx.Err()
		}
		h.say(err)
		return Load(ctx, s)
	}
	defer lock.Close() // and unlocks
	if d := h.open(path); d != nil {
		return d, nil // another process has decoded it
	}
	d, err := Load(ctx, s)
	if err != nil || d.inputs() < smallest || d.Train.Rows != nil { // images are in a file already
		return d, err
	}
	if err := writeDecoded(path, d); err != nil {
		h.say(err)
		return d, nil
	}
	shared, err := openDecoded(path)
	if err != nil {
		h.say(err)
		return d, nil
	}
	KeepNewest(h.Dir, h.Max, idle, path)
	d = nil
	debug.FreeOSMemory() // what decoding took
	return shared, nil
}

// path is the file of a key. The program is part of it: another version may decode
// in another way.
func (h *Shared) path(key string) (string, error) {
	if !littleEndian {
		return "", errors.New("numbers are stored in another order on this machine")
	}
	if err := os.Mkdir(h.Dir, 0o755); err != nil && !errors.Is(err, fs.ErrExist) {
		return "", err
	}
	program, err := os.Executable()
	if err != nil {
		return "", err
	}
	st, err := os.Stat(program)
	if err != nil {
		return "", err
	}
	sum := sha256.Sum256(fmt.Appendf(nil, "%s %d %d", key, st.Size(), st.ModTime().UnixNano()))
	return filepath.Join(h.Dir, hex.EncodeToString(sum[:])+decoded), nil
}

// open is the set of a file, nil if there is none, or none that can be used.
func (h *Shared) open(path string) *Data {
	d, err := openDecoded(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		h.say(err)
		return nil
	}
	now := time.Now()
	_ = os.Chtimes(path, now, now) // those used last stay
	return d
}

func (h *Shared) say(err error) {
	if h.Log != nil {
		h.Log(fmt.Sprintf("this process has the data set for itself: %v", err))
	}
}

// lockFile waits until no other process has the lock. Closing the file, or the end
// of the process, gives it back.
func lockFile(ctx context.Context, path string) (*os.File, error) {
	f, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR, 0o644)
	if err != nil {
		return nil, err
	}
	for {
		err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
		if err == nil {
			return f, nil
		}
		if !errors.Is(err, syscall.EWOULDBLOCK) && !errors.Is(err, syscall.EINTR) {
			f.Close()
			return nil, fmt.Errorf("lock %s: %w", path, err)
		}
		select {
		case <-ctx.Done():
			f.Close()
			return nil, ctx.Err()
		case <-time.After(20 * time.Millisecond):
		}
	}
}
