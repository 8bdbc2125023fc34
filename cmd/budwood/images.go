package main

import (
	"strings"

	"budwood/data"
)

// images says what the image files of a study are, and what became of them.
func (t *settings) images(m *data.Images) {
	if m == nil {
		return
	}
	for _, l := range append(m.Lines(), m.Said()...) {
		t.set(l.Key, "%s", l.Text)
	}
}

// sayImages says what was guessed of image files, changed in them, and left out.
func (a *app) sayImages(d *data.Data) {
	if d == nil || d.Images == nil {
		return
	}
	for _, l := range d.Images.Said() {
		a.say("images: %s: %s", strings.ReplaceAll(l.Key, "_", " "), l.Text)
	}
}
