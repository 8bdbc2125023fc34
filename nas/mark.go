package nas

import "budwood/search"

// literal is the space with derivations for marks: no two of them are the same
// network.
func (s *Space) literal() *Space {
	l := *s
	l.written = true
	return &l
}

// mark tells networks apart: the hash, or in a literal space the text.
func (s *Space) mark(g Genome) string {
	if s.written {
		return g.text()
	}
	return g.Hash().String()
}

// markOf is the mark of the genome that params carry, "" if they carry none. A
// genome written by hand has no hash behind it.
func (s *Space) markOf(p search.Params) string {
	text, _ := p[search.ArchitectureKey].(string)
	if i := len(text) - 16; i > len(hashMark) && text[i-len(hashMark):i] == hashMark {
		if s.written {
			return written(text)
		}
		return text[i:]
	}
	if text == "" {
		return ""
	}
	g, err := FromParams(p)
	if err != nil {
		return ""
	}
	return s.mark(g)
}
