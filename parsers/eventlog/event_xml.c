/* SPDX-License-Identifier: Apache-2.0 */
#include "parsers/eventlog/event_xml.h"

#include "parsers/base/text.h"

enum { MAX_LEVELS = 32 };

/* Reads the XML of one event; names and values are slices of it until they are copied. */
struct reader {
	struct arena *arena;
	struct text xml;
	size_t pos;
	struct text names[MAX_LEVELS]; /* of the open elements */
	size_t n_names;
	struct text data_name; /* the Name of the open Data element */
	size_t text_start;     /* behind the last tag */
	bool leaf;             /* the last tag was an opening one */
	struct event *event;
	bool has_id, cut, full;
};

/* The character an entity at text[pos] stands for and its length; false if it is none. */
static bool read_entity(struct text text, size_t pos, uint32_t *ret, size_t *ret_size)
{
	static const struct {
		const char *name;
		char c;
	} named[] = {
		{ "&amp;", '&' }, { "&lt;", '<' },    { "&gt;", '>' },
		{ "&quot;", '"' }, { "&apos;", '\'' },
	};
	const char *semicolon;
	uint64_t number;
	char digits[12];

	for (size_t i = 0; i < sizeof(named) / sizeof(named[0]); i++)
		if (text.size - pos >= strlen(named[i].name) &&
		    memcmp(text.data + pos, named[i].name, strlen(named[i].name)) == 0) {
			*ret = (uint32_t)named[i].c;
			*ret_size = strlen(named[i].name);
			return true;
		}
	if (text.size - pos < 4 || text.data[pos + 1] != '#')
		return false;
	semicolon = memchr(text.data + pos, ';', text.size - pos < 12 ? text.size - pos : 12);
	if (!semicolon)
		return false;
	*ret_size = (size_t)(semicolon - text.data) - pos + 1;

	struct text digit = { text.data + pos + 2, *ret_size - 3 };

	if (digit.size && (digit.data[0] | 32) == 'x' && digit.size < sizeof(digits)) {
		digits[0] = '0';
		memcpy(digits + 1, digit.data, digit.size);
		digit = (struct text){ digits, digit.size + 1 };
	}
	if (!event_number(digit, &number) || number == 0 || number > 0x7f)
		return false; /* libevtx writes other characters as they are */
	*ret = (uint32_t)number;
	return true;
}

/* A copy with entities resolved, valid UTF-8 and at most LIMIT_TEXT bytes. */
static struct text copy_value(struct reader *reader, struct text raw)
{
	char *copy;
	size_t used = 0;

	if (raw.size > LIMIT_TEXT) {
		raw.size = LIMIT_TEXT;
		while (raw.size && ((unsigned char)raw.data[raw.size] & 0xc0) == 0x80)
			raw.size--;
		reader->cut = true;
	}
	copy = arena_alloc(reader->arena, raw.size + 1);
	if (!copy) {
		reader->full = true;
		return (struct text){ NULL, 0 };
	}
	for (size_t i = 0; i < raw.size;) {
		uint32_t c;
		size_t size;

		if (raw.data[i] == '&' && read_entity(raw, i, &c, &size)) {
			copy[used++] = (char)c;
			i += size;
		} else {
			copy[used++] = raw.data[i++];
		}
	}
	if (text_is_utf8((struct text){ copy, used }))
		return (struct text){ copy, used };
	return text_from_utf8(reader->arena, span_of(copy, used), NULL);
}

static bool in_section(const struct reader *reader, const char *name)
{
	return reader->n_names >= 2 && text_equal(reader->names[1], text_of(name));
}

static void add_item(struct reader *reader, struct text name, struct text raw)
{
	struct event *event = reader->event;

	if (event->n_items == EVENT_MAX_ITEMS) {
		reader->cut = true;
		return;
	}
	event->items[event->n_items].name =
		name.data ? copy_value(reader, name) : (struct text){ NULL, 0 };
	event->items[event->n_items].value = copy_value(reader, raw);
	event->n_items++;
}

static unsigned hex_digit(char c)
{
	return (unsigned)(c <= '9' ? c - '0' : (c | 32) - 'a' + 10) & 15;
}

static void take_binary(struct reader *reader, struct text raw)
{
	uint8_t *bytes = arena_alloc(reader->arena, raw.size / 2 + 1);

	if (!bytes) {
		reader->full = true;
		return;
	}
	for (size_t i = 0; i + 1 < raw.size; i += 2)
		bytes[i / 2] = (uint8_t)(hex_digit(raw.data[i]) << 4 | hex_digit(raw.data[i + 1]));
	reader->event->binary = span_of(bytes, raw.size / 2);
}

static void take_system(struct reader *reader, struct text name, struct text raw)
{
	struct event *event = reader->event;
	uint64_t number;

	if (text_equal(name, TEXT("EventID")) && event_number(raw, &number)) {
		event->id = (uint32_t)(number & UINT32_MAX);
		reader->has_id = true;
	} else if (text_equal(name, TEXT("Channel"))) {
		event->channel = copy_value(reader, raw);
	} else if (text_equal(name, TEXT("Computer"))) {
		event->computer = copy_value(reader, raw);
	}
}

/* An element without children ended; raw is its text. */
static void take_leaf(struct reader *reader, struct text raw)
{
	const struct text name = reader->names[reader->n_names - 1];

	if (in_section(reader, "System") && reader->n_names == 3) {
		take_system(reader, name, raw);
	} else if (in_section(reader, "EventData") && reader->n_names == 3) {
		if (text_equal(name, TEXT("Binary")))
			take_binary(reader, raw);
		else if (text_equal(name, TEXT("Data")))
			add_item(reader, reader->data_name, raw);
		else
			add_item(reader, name, raw);
	} else if (in_section(reader, "UserData") && reader->n_names >= 3) {
		add_item(reader, name, raw);
	}
}

static void take_attribute(struct reader *reader, struct text name, struct text raw)
{
	const struct text element = reader->names[reader->n_names - 1];

	if (text_equal(element, TEXT("Data")) && text_equal(name, TEXT("Name"))) {
		reader->data_name = raw;
	} else if (in_section(reader, "System") && text_equal(element, TEXT("Provider"))) {
		if (text_equal(name, TEXT("Name")))
			reader->event->provider = copy_value(reader, raw);
		else if (text_equal(name, TEXT("Guid")))
			reader->event->guid = copy_value(reader, raw);
	} else if (in_section(reader, "System") && text_equal(element, TEXT("Security")) &&
		   text_equal(name, TEXT("UserID"))) {
		reader->event->user = copy_value(reader, raw);
	}
}

static bool is_space(char c)
{
	return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

static size_t skip_space(struct text xml, size_t pos)
{
	while (pos < xml.size && is_space(xml.data[pos]))
		pos++;
	return pos;
}

static struct text read_word(struct reader *reader)
{
	const size_t start = reader->pos;
	const struct text xml = reader->xml;

	while (reader->pos < xml.size && !is_space(xml.data[reader->pos]) &&
	       !strchr("=/>", xml.data[reader->pos]))
		reader->pos++;
	return (struct text){ xml.data + start, reader->pos - start };
}

/* name="value" pairs up to the end of the tag. False at the end of the XML. */
static bool read_attributes(struct reader *reader)
{
	const struct text xml = reader->xml;

	for (;;) {
		struct text name;
		const char *quote;

		reader->pos = skip_space(xml, reader->pos);
		if (reader->pos >= xml.size)
			return false;
		if (xml.data[reader->pos] == '/' || xml.data[reader->pos] == '>')
			return true;
		name = read_word(reader);
		if (xml.size - reader->pos < 2 || xml.data[reader->pos] != '=' ||
		    xml.data[reader->pos + 1] != '"') {
			reader->pos++;
			continue;
		}
		reader->pos += 2;
		quote = memchr(xml.data + reader->pos, '"', xml.size - reader->pos);
		if (!quote)
			return false;
		take_attribute(reader, name,
			       (struct text){ xml.data + reader->pos,
					      (size_t)(quote - xml.data) - reader->pos });
		reader->pos = (size_t)(quote - xml.data) + 1;
	}
}

static void close_element(struct reader *reader, struct text raw)
{
	if (reader->n_names == 0)
		return;
	if (reader->leaf)
		take_leaf(reader, raw);
	reader->n_names--;
	reader->leaf = false;
}

/* The tag at pos (a '<'). False at the end of the XML or of what is read of it. */
static bool read_tag(struct reader *reader)
{
	const struct text xml = reader->xml;
	const struct text raw = { xml.data + reader->text_start, reader->pos - reader->text_start };
	const char *end;

	reader->pos++;
	if (reader->pos >= xml.size)
		return false;
	if (strchr("/?!", xml.data[reader->pos])) {
		if (xml.data[reader->pos] == '/')
			close_element(reader, raw);
		end = memchr(xml.data + reader->pos, '>', xml.size - reader->pos);
		if (!end)
			return false;
		reader->pos = (size_t)(end - xml.data) + 1;
		return true;
	}
	if (reader->n_names == MAX_LEVELS) {
		reader->cut = true;
		return false;
	}
	reader->names[reader->n_names++] = read_word(reader);
	reader->data_name = (struct text){ NULL, 0 };
	reader->leaf = true;
	if (!read_attributes(reader))
		return false;
	if (xml.data[reader->pos] == '/') {
		close_element(reader, (struct text){ "", 0 });
		reader->pos++;
	}
	if (reader->pos < xml.size && xml.data[reader->pos] == '>')
		reader->pos++;
	return true;
}

enum status event_from_xml(struct arena *arena, struct text xml, struct event *event, bool *ret_cut,
			   struct failure *why)
{
	struct reader reader = { .arena = arena, .xml = xml, .event = event };

	for (;;) {
		const char *tag = memchr(xml.data + reader.pos, '<', xml.size - reader.pos);

		if (!tag)
			break;
		reader.pos = (size_t)(tag - xml.data);
		if (!read_tag(&reader))
			break;
		reader.text_start = reader.pos;
	}
	*ret_cut = reader.cut;
	if (reader.full)
		return failure_set(why, ERR_LIMIT, "event of %zu bytes of XML", xml.size);
	if (!event->provider.data || !reader.has_id)
		return failure_set(why, ERR_FORMAT, "event without provider or id");
	return STATUS_OK;
}
