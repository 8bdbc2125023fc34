package data

import (
	"hash/fnv"
	"math"
	"strings"
	"unicode"
)

// KindWords is the kind of a column whose words are hashed.
const KindWords Kind = "text"

// hashed is a column of texts, each as the places that its words fall to, with how
// often: a word is its letters and digits in small letters, its place the FNV-1a hash
// of these modulo the width (Weinberger et al. 2009, "Feature hashing").
type hashed struct {
	width int
	texts [][]wordCount // of different texts
}

type wordCount struct {
	place int32
	n     float32
}

// wordsWidth is how many values a text becomes, of a table of so many rows.
func wordsWidth(rows int) int {
	if rows < 2000 {
		return 64
	}
	return 128
}

// add appends a text and returns its number.
func (h *hashed) add(text string) int32 {
	var out []wordCount
next:
	for _, w := range strings.FieldsFunc(strings.ToLower(text), func(r rune) bool { return !unicode.IsLetter(r) && !unicode.IsDigit(r) }) {
		f := fnv.New32a()
		f.Write([]byte(w))
		place := int32(f.Sum32() % uint32(h.width))
		for i := range out {
			if out[i].place == place {
				out[i].n++
				continue next
			}
		}
		out = append(out, wordCount{place, 1})
	}
	h.texts = append(h.texts, out)
	return int32(len(h.texts) - 1)
}

// idf measures how rare the places are among training rows: ln((1 + rows)/(1 + rows that have it)) + 1, as
// scikit-learn's TfidfTransformer does.
func (h *hashed) idf(code []int32, train []int) []float32 {
	has := make([]float64, h.width)
	for _, row := range train {
		if k := code[row]; k >= 0 {
			for _, w := range h.texts[k] {
				has[w.place]++
			}
		}
	}
	out := make([]float32, h.width)
	for i, n := range has {
		out[i] = float32(math.Log(float64(1+len(train))/(1+n)) + 1)
	}
	return out
}

// put writes the weights of a text's places, of length 1 together. No text is all 0.
func (h *hashed) put(out []float32, k int32, idf []float32) {
	if k < 0 {
		return
	}
	sum := 0.
	for _, w := range h.texts[k] {
		v := w.n * idf[w.place]
		out[w.place] = v
		sum += float64(v) * float64(v)
	}
	if sum == 0 {
		return
	}
	scale := float32(1 / math.Sqrt(sum))
	for _, w := range h.texts[k] {
		out[w.place] *= scale
	}
}

// joinWords appends the texts of another column of words.
func (c *column) joinWords(d *column) {
	of := make([]int32, len(d.levels))
	for k, text := range d.levels {
		of[k] = c.words.add(text)
		c.levels = append(c.levels, text)
	}
	for _, k := range d.code {
		if k < 0 {
			c.addMissing()
		} else {
			c.code = append(c.code, of[k])
		}
	}
}
