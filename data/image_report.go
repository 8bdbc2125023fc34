package data

import (
	"fmt"
	"maps"
	"slices"
	"strings"
)

// Images is what is known of image files that were decoded into a data set: what they
// were, what became of them, and what was left out.
type Images struct {
	Count   int            `json:"count"`   // images that are used
	Shape   Shape          `json:"shape"`   // of each for the network: height, width, and 1 channel if all are gray, else 3
	Formats map[string]int `json:"formats"` // images by format
	Low     [2]int         `json:"low"`     // smallest height and width of the files, upright
	High    [2]int         `json:"high"`    // largest ones
	Resize  *Resize        `json:"resize"`  // how each gets its size
	Resized bool           `json:"resized"` // some had another size
	Chosen  bool           `json:"chosen"`  // nobody has asked for this size

	Gray        int `json:"gray"`        // images without colours
	Transparent int `json:"transparent"` // images that were partly transparent: shown over white
	Deep        int `json:"deep"`        // images of 16 bits a channel: rounded to 8
	Turned      int `json:"turned"`      // images turned upright as EXIF says
	Distorted   int `json:"distorted"`   // images whose proportions have changed

	Left    []LeftOut      `json:"left,omitempty"`     // the first files that cannot be read
	LeftOut int            `json:"left_out"`           // all of them
	Others  map[string]int `json:"others,omitempty"`   // files that are no images, by the ending of their names
	Notes   []string       `json:"notes,omitempty"`    // other things that were left out
	Dropped int            `json:"dropped,omitempty"`  // rows of a table without a target: their files are not read
	Folders [3]string      `json:"folders"`            // of training, validation and test, where they are folders
	Classes []ImageClass   `json:"classes,omitempty"`  // by class
	Warn    []string       `json:"warnings,omitempty"` // the same image in several parts, or in several classes
}

// LeftOut is a file that cannot be used.
type LeftOut struct {
	File string `json:"file"`
	Why  string `json:"why"`
}

// ImageClass is how many images of a class there are in the parts.
type ImageClass struct {
	Name  string `json:"name"`
	Train int    `json:"train"`
	Valid int    `json:"valid"`
	Test  int    `json:"test"`
}

func (c ImageClass) all() int { return c.Train + c.Valid + c.Test }

func (c ImageClass) parts() string {
	if c.Valid == 0 { // cross-validation
		return fmt.Sprintf("%d train, %d test", c.Train, c.Test)
	}
	return fmt.Sprintf("%d train, %d valid, %d test", c.Train, c.Valid, c.Test)
}

// maxLeft is how many files are named that cannot be used.
const maxLeft = 1000

func (m *Images) left(file, why string) {
	if m.LeftOut++; len(m.Left) < maxLeft {
		m.Left = append(m.Left, LeftOut{file, why})
	}
}

// leftList names the first files that were left out, with the reason.
func (m *Images) leftList(most int) string {
	var out []string
	for _, l := range m.Left[:min(most, len(m.Left))] {
		out = append(out, fmt.Sprintf("%s (%s)", l.File, l.Why))
	}
	text := strings.Join(out, ", ")
	if n := m.LeftOut - len(out); n > 0 {
		text += fmt.Sprintf(" and %d more", n)
	}
	return text
}

// see counts an image.
func (m *Images) see(d *decodedImage, r *Resize) {
	size := [2]int{d.h, d.w}
	if len(m.Formats) == 0 {
		m.Low, m.High = size, size
	}
	m.Formats[d.is.format]++
	for i := range size {
		m.Low[i], m.High[i] = min(m.Low[i], size[i]), max(m.High[i], size[i])
	}
	for n, is := range map[*int]bool{
		&m.Gray: d.is.gray, &m.Transparent: d.is.clear, &m.Deep: d.is.deep, &m.Turned: d.is.turned, &m.Distorted: r.distorts(d.h, d.w),
	} {
		if is {
			*n++
		}
	}
}

// Line is something to be said of data, with the setting that it is about.
type Line struct{ Key, Text string }

// Lines describe the images, without what [Images.Said] says.
func (m *Images) Lines() []Line {
	var formats []string
	for _, name := range slices.Sorted(maps.Keys(m.Formats)) {
		formats = append(formats, fmt.Sprintf("%d %s", m.Formats[name], name))
	}
	size := fmt.Sprintf("%d×%d pixels", m.Low[0], m.Low[1])
	if m.Low != m.High {
		size = fmt.Sprintf("%d×%d to %d×%d pixels", m.Low[0], m.Low[1], m.High[0], m.High[1])
	}
	colours := "3 channels"
	switch {
	case m.Shape[2] == 1:
		colours = "1 channel, as all are gray"
	case m.Gray > 0:
		colours = fmt.Sprintf("3 channels; in the %d gray ones all alike", m.Gray)
	}
	lines := []Line{{"images", fmt.Sprintf("%s, %s, %s", strings.Join(formats, ", "), size, colours)}}
	if m.Resized && !m.Chosen {
		lines = append(lines, Line{"resize", m.Resize.String()})
	}
	same := len(m.Classes) > 3
	for _, c := range m.Classes {
		same = same && c.all() == m.Classes[0].all()
	}
	const most = 30
	for i, c := range m.Classes {
		if same {
			names := make([]string, len(m.Classes))
			for k, c := range m.Classes {
				names[k] = c.Name
			}
			lines = append(lines, Line{"classes", fmt.Sprintf("%d, each with %s: %s", len(m.Classes), many(c.all(), "image"), shortList(names))})
			break
		}
		if i == most && len(m.Classes) > most+1 {
			lines = append(lines, Line{"class", fmt.Sprintf("and %d more", len(m.Classes)-most)})
			break
		}
		lines = append(lines, Line{"class", fmt.Sprintf("%s: %s", c.Name, c.parts())})
	}
	return lines
}

// Said is what somebody has to hear who trains on the images: what was guessed,
// changed and left out, and what makes results better than they are.
func (m *Images) Said() []Line {
	var lines []Line
	say := func(key, format string, args ...any) { lines = append(lines, Line{key, fmt.Sprintf(format, args...)}) }
	if m.Chosen {
		say("resize", "%s; choose with data.resize", m.Resize)
	}
	if m.Distorted > 0 {
		say("resize", "the proportions of %s change; keep them with pad: true or crop: true", many(m.Distorted, "image"))
	}
	if m.Turned > 0 {
		say("turned", "%s turned upright, as EXIF says", many(m.Turned, "image"))
	}
	if m.Transparent > 0 {
		say("transparent", "%s, partly transparent, shown over white", many(m.Transparent, "image"))
	}
	if m.Deep > 0 {
		say("16 bits", "%s of 16 bits a channel, rounded to 8", many(m.Deep, "image"))
	}
	if m.LeftOut > 0 {
		say("left_out", "%d of %s cannot be read: %s", m.LeftOut, many(m.Count+m.LeftOut, "image"), m.leftList(5))
	}
	if len(m.Others) > 0 {
		var endings []string
		n := 0
		for _, ending := range slices.Sorted(maps.Keys(m.Others)) {
			endings = append(endings, fmt.Sprintf("%d %s", m.Others[ending], ending))
			n += m.Others[ending]
		}
		is := "files are no images"
		if n == 1 {
			is = "file is no image"
		}
		say("left_out", "%d %s: %s", n, is, shortList(endings))
	}
	for _, note := range m.Notes {
		say("left_out", "%s", note)
	}
	for _, w := range m.Warn {
		say("warning", "%s", w)
	}
	return lines
}
