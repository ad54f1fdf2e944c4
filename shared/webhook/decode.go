package webhook

import (
	"errors"
	"net/url"
	"strings"
	"unicode/utf8"

	"github.com/go-json-experiment/json/jsontext"

	"webhooks/shared/apperr"
	"webhooks/shared/event"
	"webhooks/shared/glyph"
	"webhooks/shared/guard"
	"webhooks/shared/strictjson"
	"webhooks/shared/webhook/signature"
)

// URLChecker reports whether a URL may be registered; [guard.Guard] is one.
type URLChecker interface {
	CheckURL(raw string) (*url.URL, error)
}

// DecodeRegistration decodes the body of a POST and generates a secret if the
// body has none. It returns InvalidJSON unless the body is one JSON object, and
// InvalidFields with every missing, unknown or invalid field.
func DecodeRegistration(body []byte, urls URLChecker) (Registration, error) {
	d, err := newDecoder(body, urls, true)
	if err != nil {
		return Registration{}, err
	}
	p := d.fields()
	d.refuseRest()
	if err := apperr.Refuse(d.refused); err != nil {
		return Registration{}, err
	}
	r := Registration{Name: *p.Name, URL: *p.URL, Events: p.Events, Enabled: p.Enabled == nil || *p.Enabled}
	if p.RateLimit != nil {
		r.RateLimit = *p.RateLimit
	}
	if p.Secret == nil {
		r.Secret, r.SecretGenerated = signature.NewSecret(), true
	} else {
		r.Secret = *p.Secret
	}
	return r, nil
}

// DecodePatch decodes the body of a PUT, a partial update of the webhook with this
// id. It accepts the read-only fields that a GET shows: webhook_id must be id, and
// the others are ignored. It returns InvalidJSON unless the body is one JSON object,
// InvalidFields with the unknown and invalid fields, and NothingToUpdate if the body
// has no other field.
func DecodePatch(body []byte, id int64, urls URLChecker) (Patch, error) {
	d, err := newDecoder(body, urls, false)
	if err != nil {
		return Patch{}, err
	}
	value, given := d.object["webhook_id"]
	if other, ok := strictjson.Int(value); given && (!ok || other != id) {
		d.refuse("webhook_id", apperr.OtherID)
	}
	delete(d.object, "webhook_id")
	delete(d.object, "created_at")
	delete(d.object, "health")
	p := d.fields()
	d.refuseRest()
	if err := apperr.Refuse(d.refused); err != nil {
		return Patch{}, err
	}
	if p.Name == nil && p.URL == nil && p.Secret == nil && p.Events == nil && p.Enabled == nil && p.RateLimit == nil {
		return Patch{}, apperr.New(apperr.NothingToUpdate)
	}
	return p, nil
}

// decoder takes the fields out of an object and collects the invalid ones.
type decoder struct {
	object  strictjson.Object
	urls    URLChecker
	whole   bool // not a patch: the request has all fields, or their defaults apply
	refused []apperr.Field
}

func newDecoder(body []byte, urls URLChecker, whole bool) (*decoder, error) {
	object, err := strictjson.Parse(body)
	if err != nil {
		return nil, apperr.Wrap(err, apperr.InvalidJSON, strictjson.Describe(err))
	}
	return &decoder{object: object, urls: urls, whole: whole}, nil
}

// fields takes the fields in the order of the API document, in which an error names
// them.
func (d *decoder) fields() Patch {
	return Patch{
		Name:      d.name(),
		URL:       d.url(),
		Secret:    d.secret(),
		Events:    d.events(),
		Enabled:   d.enabled(),
		RateLimit: d.rateLimit(),
	}
}

func (d *decoder) refuse(name string, p apperr.Problem, args ...any) {
	d.refused = append(d.refused, apperr.Field{Name: name, Problem: p, Args: args})
}

// refuseRest refuses the fields that are left in the object as unknown.
func (d *decoder) refuseRest() {
	for _, name := range d.object.Unknown() {
		d.refuse(name, apperr.Unknown)
	}
}

// take removes a field from the object. It reports whether the field has a value
// to check, and refuses a null and a missing required field. What a client should do
// instead of sending a null depends on the request.
func (d *decoder) take(name string, required bool) (jsontext.Value, bool) {
	value, present := d.object[name]
	delete(d.object, name)
	switch {
	case !present && required:
		d.refuse(name, apperr.Required)
	case present && strictjson.IsNull(value):
		d.refuse(name, d.null(required))
		present = false
	}
	return value, present
}

// null returns the problem of a null.
func (d *decoder) null(required bool) apperr.Problem {
	switch {
	case required:
		return apperr.Null
	case d.whole:
		return apperr.NullDefault
	}
	return apperr.NullUpdate
}

func (d *decoder) text(name string, required bool) *string {
	value, ok := d.take(name, required)
	if !ok {
		return nil
	}
	text, ok := strictjson.String(value)
	if !ok {
		d.refuse(name, apperr.WrongType, "string")
		return nil
	}
	return &text
}

func (d *decoder) name() *string {
	name := d.text("name", d.whole)
	if name == nil {
		return nil
	}
	switch length := utf8.RuneCountInString(*name); {
	case length < MinNameLength || length > MaxNameLength:
		d.refuse("name", apperr.Length, MinNameLength, MaxNameLength)
	case strings.ContainsFunc(*name, glyph.Controls):
		d.refuse("name", apperr.ControlCharacters)
	case !glyph.Visible(*name):
		d.refuse("name", apperr.Blank)
	}
	return name
}

func (d *decoder) url() *string {
	raw := d.text("url", d.whole)
	if raw == nil {
		return nil
	}
	// The URL is stored as it was sent. Every delivery checks it again.
	if _, err := d.urls.CheckURL(*raw); err != nil {
		d.refuse("url", urlProblem(err))
	} else if strings.Contains(*raw, `"`) {
		// net/url accepts the quotation mark, which RFC 3986 §2 does not allow. It
		// takes four bytes of Lambda's response, which must hold the whole list.
		d.refuse("url", apperr.URLSyntax)
	}
	return raw
}

func (d *decoder) secret() *string {
	secret := d.text("secret", false)
	if secret == nil {
		return nil
	}
	_, err := signature.ParseSecret(*secret)
	switch {
	case errors.Is(err, signature.ErrSecretEncoding):
		d.refuse("secret", apperr.SecretEncoding)
	case errors.Is(err, signature.ErrSecretKeyLength):
		d.refuse("secret", apperr.SecretKeyLength)
	case errors.Is(err, signature.ErrSecretCharacters):
		d.refuse("secret", apperr.HiddenCharacters)
	case errors.Is(err, signature.ErrSecretPrefix):
		d.refuse("secret", apperr.SecretPrefix)
	case err != nil:
		d.refuse("secret", apperr.Length, signature.MinSecretCharacters, signature.MaxSecretCharacters)
	}
	return secret
}

func (d *decoder) enabled() *bool {
	value, ok := d.take("enabled", false)
	if !ok {
		return nil
	}
	enabled, ok := strictjson.Bool(value)
	if !ok {
		d.refuse("enabled", apperr.WrongType, "boolean")
	}
	return &enabled
}

// rateLimit takes a rate limit. The number is kept as it was sent, as a float64: a
// client that compares what a GET shows with what it sent finds no difference.
func (d *decoder) rateLimit() *float64 {
	value, ok := d.take("rate_limit", false)
	if !ok {
		return nil
	}
	rate, ok := strictjson.Number(value)
	switch {
	case ok && rate == 0:
		rate = 0 // JSON has -0
	case !ok || rate < MinRateLimit || rate > MaxRateLimit:
		d.refuse("rate_limit", apperr.RateRange, MinRateLimit, MaxRateLimit)
		return nil
	}
	return &rate
}

// events takes the distinct event types. It refuses each invalid name once.
func (d *decoder) events() []event.Type {
	value, ok := d.take("events", d.whole)
	if !ok {
		return nil
	}
	names, ok := strictjson.Strings(value)
	if !ok {
		d.refuse("events", apperr.WrongType, "array of strings")
		return nil
	}
	if len(names) == 0 {
		d.refuse("events", apperr.EmptyList)
	}
	types := make([]event.Type, 0, len(event.Types()))
	seen := make(map[string]int, len(names))
	for _, name := range names {
		seen[name]++
		problem := apperr.UnknownEventType
		_, known := event.Type(name).Bit()
		switch times := seen[name]; {
		case known && times == 1:
			types = append(types, event.Type(name))
			continue
		case known && times == 2:
			problem = apperr.DuplicateEventType
		case times > 1:
			continue
		}
		d.refuse("events", problem, name)
	}
	return types
}

// urlProblems maps the guard's problems to those of the API.
var urlProblems = map[guard.Problem]apperr.Problem{
	guard.ProblemTooLong:  apperr.URLTooLong,
	guard.ProblemSyntax:   apperr.URLSyntax,
	guard.ProblemScheme:   apperr.URLScheme,
	guard.ProblemUserInfo: apperr.URLUserInfo,
	guard.ProblemFragment: apperr.URLFragment,
	guard.ProblemHost:     apperr.URLHost,
	guard.ProblemPort:     apperr.URLPort,
	guard.ProblemAddress:  apperr.URLAddress,
	guard.ProblemIPv6:     apperr.URLIPv6,
}

// urlProblem returns the problem of a URL that the guard refused with err.
func urlProblem(err error) apperr.Problem {
	var refused *guard.URLError
	if errors.As(err, &refused) {
		if problem, known := urlProblems[refused.Problem]; known {
			return problem
		}
	}
	return apperr.URLSyntax
}
