package data

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math"
	"slices"
	"unicode/utf8"
)

const (
	defaultSteps = 64
	maxText      = 1 << 30 // bytes
	unknown      = string(utf8.RuneError)
)

// loadText reads a text for a network that predicts the next character. A row is
// a window of Steps characters, as numbers in the vocabulary, and its classes are
// the characters one step later. Windows follow each other without overlap. The
// vocabulary are the characters of the training part in order, from 1 on; number
// 0 stands for all others.
func loadText(ctx context.Context, s Source) (*Data, error) {
	f := s.files()[0]
	runes, err := readFile(ctx, f, readRunes)
	if err != nil {
		return nil, err
	}
	steps := s.Text.Steps
	if steps == 0 {
		steps = defaultSteps
	}
	windows := (len(runes) - 1) / steps // each needs the character behind it
	if s.Rows > 0 {
		windows = min(windows, s.Rows)
	}
	v, t := s.Split.shares()
	valid, test := int(math.Round(v*float64(windows))), int(math.Round(t*float64(windows)))
	cv := s.Split.CV
	if cv > 0 {
		valid = 0
	}
	train := windows - valid - test
	if cv > 0 && (train < cv || test < 1) {
		return nil, f.fault("%d characters give %d rows of %d for %d folds and %d for the test; each needs at least one, so use shorter rows or more text", len(runes), max(train, 0), steps, cv, test)
	}
	if train < 1 || valid < 1 && cv == 0 || test < 1 {
		return nil, f.fault("%d characters give %d rows of %d for training, %d for validation and %d for the test; each needs at least one, so use shorter rows or more text", len(runes), max(train, 0), steps, valid, test)
	}
	vocabulary := slices.Clone(runes[:train*steps+1])
	slices.Sort(vocabulary)
	vocabulary = slices.DeleteFunc(slices.Compact(vocabulary), func(r rune) bool { return r == utf8.RuneError })
	number := make(map[rune]int32, len(vocabulary))
	names := []string{unknown}
	for i, r := range vocabulary {
		number[r] = int32(i + 1)
		names = append(names, string(r))
	}
	part := func(from, to int) *Set {
		set := &Set{Shape: Shape{steps}, Classes: len(names)}
		for _, r := range runes[from*steps : to*steps] {
			set.X = append(set.X, float32(number[r]))
		}
		for _, r := range runes[from*steps+1 : to*steps+1] {
			set.Class = append(set.Class, number[r])
		}
		return set
	}
	d := &Data{
		Task: Classification, Features: steps, Classes: len(names), ClassNames: names,
		Train: part(0, train), Test: part(train+valid, windows),
	}
	if cv > 0 { // pieces that follow each other
		fold := make([]int, train)
		for i := range fold {
			fold[i] = i * cv / train
		}
		d.fold, d.Folds = fold, foldsOf(d.Train, fold)
	} else {
		d.Valid = part(train, train+valid)
	}
	rows := count(windows)
	d.numbers = &Numbers{rows[:train], rows[train : train+valid], rows[train+valid:]}
	d.Preparation = &Preparation{Vocabulary: names, Classes: names, shape: d.Train.Shape}
	d.Facts.Rows, d.Facts.Categorical, d.Facts.Levels = windows, steps, float64(len(names))
	d.Facts.measure(d.Train, nil)
	return d, nil
}

// readRunes reads UTF-8 text. Memory grows with what the file holds.
func readRunes(r io.Reader) ([]rune, error) {
	b, err := io.ReadAll(io.LimitReader(r, maxText+1))
	switch {
	case err != nil:
		return nil, err
	case len(b) > maxText:
		return nil, fmt.Errorf("the text is longer than %d MiB; use a part of it", maxText>>20)
	case len(b) > 1 && (b[0] == 0xff && b[1] == 0xfe || b[0] == 0xfe && b[1] == 0xff):
		return nil, errors.New("the text is UTF-16; save it as UTF-8")
	}
	for i := 0; i < len(b); {
		c, n := utf8.DecodeRune(b[i:])
		if c == utf8.RuneError && n == 1 {
			return nil, fmt.Errorf("byte %d is not UTF-8; save the text as UTF-8", i)
		}
		i += n
	}
	return []rune(string(b)), nil
}
