// Package gangprogram is what tests run as the program of a gang: its processes meet in
// each epoch, keep a checkpoint, and can be made to fail.
package gangprogram

import (
	"bufio"
	"fmt"
	"net"
	"os"
	"strings"
	"time"
)

// Env is the variable that names what the program is to do.
const Env = "GANG_PROGRAM"

// Main is the program of a rank, which ends with an exit code. In each epoch every rank
// gives its number, and the loss that rank 0 reports is their sum over the epochs. In
// the mode "fails" rank 2 ends in epoch 3. GANG_EPOCH is how long an epoch takes, and
// each leaves a line in the file GANG_LOG,
// as does each beginning of rank 0, if these are set.
func Main(mode string) int {
	number := func(name string) (n int) {
		fmt.Sscan(os.Getenv(name), &n)
		return n
	}
	rank, ranks := number("RANK"), number("WORLD_SIZE")
	file := os.Getenv("BUDWOOD_CHECKPOINT") + "/epochs"
	done := 0
	if b, err := os.ReadFile(file); err == nil {
		fmt.Sscan(string(b), &done)
	}
	fmt.Printf("rank %d of %d, local %d of %d, begins with %d, pid %d\n", rank, ranks, number("LOCAL_RANK"), number("LOCAL_WORLD_SIZE"), done, os.Getpid())
	if rank == 0 {
		leave(fmt.Sprintf("%s begins with %d\n", os.Getenv("BUDWOOD_TRIAL"), done))
	}
	lost := func(err error) int {
		time.Sleep(300 * time.Millisecond) // a busy machine must have seen by then who ended first
		fmt.Fprintln(os.Stderr, "lost the others:", err)
		return 1
	}
	address := net.JoinHostPort(os.Getenv("MASTER_ADDR"), os.Getenv("MASTER_PORT"))
	if rank > 0 {
		return follow(mode, address, rank, done, lost)
	}
	l, err := net.Listen("tcp", address)
	if err != nil {
		return lost(err)
	}
	var lines []*bufio.ReadWriter
	for range ranks - 1 {
		c, err := l.Accept()
		if err != nil {
			return lost(err)
		}
		lines = append(lines, bufio.NewReadWriter(bufio.NewReader(c), bufio.NewWriter(c)))
	}
	pause, _ := time.ParseDuration(os.Getenv("GANG_EPOCH")) // none if it is not set
	report, answers := os.NewFile(3, "report"), bufio.NewScanner(os.NewFile(4, "answers"))
	for word := "go"; word == "go"; {
		time.Sleep(pause)
		sum := 0
		for _, c := range lines {
			n := 0
			if _, err := fmt.Fscanln(c, &n); err != nil {
				return lost(err)
			}
			sum += n
		}
		done++
		leave(fmt.Sprintf("%s %d of %d\n", os.Getenv("BUDWOOD_TRIAL"), done, ranks))
		if os.WriteFile(file, fmt.Append(nil, done), 0o644) != nil {
			return 9
		}
		fmt.Fprintf(report, `{"epoch": %d, "loss": %v, "checkpoint": true}`+"\n", done, float64(sum)/float64(done))
		if !answers.Scan() || strings.Contains(answers.Text(), "stop") {
			word = "stop"
		}
		for _, c := range lines {
			fmt.Fprintln(c, word)
			c.Flush()
		}
	}
	return 0
}

// leave leaves a line in the log.
func leave(line string) {
	if f, err := os.OpenFile(os.Getenv("GANG_LOG"), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o644); err == nil {
		fmt.Fprint(f, line)
		f.Close()
	}
}

// follow is a rank above 0.
func follow(mode, address string, rank, done int, lost func(error) int) int {
	var c net.Conn
	var err error
	for range 100 { // rank 0 may not listen yet
		if c, err = net.Dial("tcp", address); err == nil {
			break
		}
		time.Sleep(50 * time.Millisecond)
	}
	if err != nil {
		return lost(err)
	}
	fmt.Println(`budwood: {"loss": -1, "epoch": 99}`) // which does not count
	answers := bufio.NewScanner(c)
	for {
		if mode == "fails" && rank == 2 && done == 2 {
			fmt.Fprintln(os.Stderr, "rank 2 has no more")
			return 7
		}
		fmt.Fprintln(c, rank)
		if !answers.Scan() {
			return lost(answers.Err())
		}
		if answers.Text() == "stop" {
			return 0
		}
		done++
	}
}
