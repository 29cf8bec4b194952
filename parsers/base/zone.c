/* SPDX-License-Identifier: Apache-2.0 */
/*
 * TZif, RFC 8536 (https://www.rfc-editor.org/rfc/rfc8536) and RFC 9636 (version 4):
 *
 * offset size  header (big endian)
 *      0    4  "TZif"
 *      4    1  version: 0 (=1), '2', '3', '4'
 *      5   15  reserved
 *     20    4  isutcnt    24 4 isstdcnt    28 4 leapcnt
 *     32    4  timecnt    36 4 typecnt     40 4 charcnt
 * then timecnt transition times (4 bytes in version 1, 8 in the second block of later ones),
 * timecnt type indices (1), typecnt records (4 offset, 1 dst, 1 name), names, leap, std, ut. From
 * version 2 on a second header and block follow, then '\n' rule '\n', a POSIX TZ string.
 */
#include "parsers/base/zone.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "parsers/base/cursor.h"

enum {
	HEADER_SIZE = 44,
	MAX_FILE = 1 << 20, /* the largest real ones are below 4 KiB */
	MAX_TRANSITIONS = 20000,
	MAX_OFFSET = 26 * 3600, /* RFC 8536, 3.2: offsets stay within -25..26 hours */
};

struct zone_type {
	int32_t offset; /* seconds east of UTC */
	bool dst;
};

/* When a POSIX rule changes the clock: Jn, n or Mm.w.d, and the second of the local day. */
struct rule_date {
	char form; /* 'J', 'N' or 'M' */
	int day, month, week;
	int32_t second;
};

struct rule {
	bool present, has_dst;
	int32_t standard, daylight; /* seconds east of UTC */
	struct rule_date begin, end;
};

struct zone {
	char *name, *source;
	int version;
	int64_t *times; /* UTC seconds since 1970, rising */
	uint8_t *indices;
	size_t n_times;
	struct zone_type types[256];
	size_t n_types;
	struct rule rule;
};

static const char default_folder[] = "/usr/share/zoneinfo";

static int64_t floor_div(int64_t a, int64_t b)
{
	return a / b - (a % b < 0);
}

/* A decimal number of at most max_digits digits. */
static bool read_number(const char **p, int max_digits, int *ret)
{
	int digits = 0, number = 0;

	while (digits < max_digits && **p >= '0' && **p <= '9') {
		number = number * 10 + (**p - '0');
		++*p;
		digits++;
	}
	*ret = number;
	return digits > 0;
}

/* [+-]hh[:mm[:ss]], hours up to 167 (version 3). */
static bool read_time(const char **p, int32_t *ret_seconds)
{
	int hours, minutes = 0, seconds = 0, sign = 1;

	if (**p == '+' || **p == '-')
		sign = *(*p)++ == '-' ? -1 : 1;
	if (!read_number(p, 3, &hours) || hours > 167)
		return false;
	if (**p == ':') {
		++*p;
		if (!read_number(p, 2, &minutes) || minutes > 59)
			return false;
		if (**p == ':') {
			++*p;
			if (!read_number(p, 2, &seconds) || seconds > 59)
				return false;
		}
	}
	*ret_seconds = sign * (hours * 3600 + minutes * 60 + seconds);
	return true;
}

/* A zone abbreviation: letters, or anything in <>. */
static bool skip_abbreviation(const char **p)
{
	const char *start = *p;

	if (**p == '<') {
		while (**p && **p != '>')
			++*p;
		return *(*p) ? (++*p, true) : false;
	}
	while ((**p >= 'A' && **p <= 'Z') || (**p >= 'a' && **p <= 'z'))
		++*p;
	return *p - start >= 3;
}

static bool read_rule_date(const char **p, struct rule_date *ret)
{
	struct rule_date date = { .form = 'N', .second = 7200 };

	if (**p == 'M') {
		date.form = 'M';
		++*p;
		if (!read_number(p, 2, &date.month) || *(*p)++ != '.' ||
		    !read_number(p, 1, &date.week) || *(*p)++ != '.' ||
		    !read_number(p, 1, &date.day))
			return false;
		if (date.month < 1 || date.month > 12 || date.week < 1 || date.week > 5 ||
		    date.day > 6)
			return false;
	} else {
		if (**p == 'J') {
			date.form = 'J';
			++*p;
		}
		if (!read_number(p, 3, &date.day) || date.day > 365 ||
		    (date.form == 'J' && date.day < 1))
			return false;
	}
	if (**p == '/') {
		++*p;
		if (!read_time(p, &date.second))
			return false;
	}
	*ret = date;
	return true;
}

/* The POSIX TZ rule of the footer (POSIX.1-2017, 8.3): offsets there count west of UTC. */
static bool read_rule(const char *p, struct rule *ret)
{
	struct rule rule = { .present = true };
	int32_t west;

	if (!skip_abbreviation(&p) || !read_time(&p, &west))
		return false;
	rule.standard = -west;
	if (*p) {
		rule.has_dst = true;
		if (!skip_abbreviation(&p))
			return false;
		rule.daylight = rule.standard + 3600;
		if (*p != ',') {
			if (!read_time(&p, &west))
				return false;
			rule.daylight = -west;
		}
		if (*p++ != ',' || !read_rule_date(&p, &rule.begin) || *p++ != ',' ||
		    !read_rule_date(&p, &rule.end) || *p)
			return false;
	}
	*ret = rule;
	return true;
}

static bool is_leap(int year)
{
	return (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
}

/* Days from 1970-01-01. */
static int64_t epoch_days(int year, int month, int day)
{
	return days_from_civil(year, month, day) - TICKS_UNIX_EPOCH / TICKS_PER_DAY;
}

/* Seconds since 1970 of a rule's change in a year, as the wall clock before it shows. */
static int64_t rule_local_seconds(const struct rule_date *date, int year)
{
	static const uint8_t month_days[] = { 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31 };
	int64_t days;

	if (date->form == 'M') {
		const int64_t first = epoch_days(year, date->month, 1);
		/* 1970-01-01 was a Thursday (4). */
		const int weekday = (int)(((first + 4) % 7 + 7) % 7);
		int day = 1 + (date->day - weekday + 7) % 7 + (date->week - 1) * 7;
		const int last = month_days[date->month - 1] + (date->month == 2 && is_leap(year));

		while (day > last)
			day -= 7;
		days = first + day - 1;
	} else {
		int day = date->day;

		if (date->form == 'J')
			day += (is_leap(year) && day >= 60) - 1;
		days = epoch_days(year, 1, 1) + day;
	}
	return days * 86400 + date->second;
}

static int32_t rule_offset_at(const struct rule *rule, int64_t seconds, bool *ret_dst)
{
	if (!rule->has_dst) {
		*ret_dst = false;
		return rule->standard;
	}
	const int64_t ticks = (seconds + rule->standard) * TICKS_PER_SECOND + TICKS_UNIX_EPOCH;
	const int year = civil_from_ticks(ticks).year;
	const int64_t begin = rule_local_seconds(&rule->begin, year) - rule->standard;
	const int64_t end = rule_local_seconds(&rule->end, year) - rule->daylight;

	if (begin < end)
		*ret_dst = seconds >= begin && seconds < end;
	else
		*ret_dst = seconds >= begin || seconds < end;
	return *ret_dst ? rule->daylight : rule->standard;
}

/* Before the first transition: the first type that is not daylight time (RFC 8536, 3.2). */
static const struct zone_type *first_type(const struct zone *zone)
{
	for (size_t i = 0; i < zone->n_types; i++)
		if (!zone->types[i].dst)
			return &zone->types[i];
	return &zone->types[0];
}

static int32_t offset_at_seconds(const struct zone *zone, int64_t seconds, bool *ret_dst)
{
	size_t low = 0, high = zone->n_times;

	while (low < high) {
		const size_t middle = low + (high - low) / 2;

		if (zone->times[middle] <= seconds)
			low = middle + 1;
		else
			high = middle;
	}
	if (low == zone->n_times && zone->rule.present)
		return rule_offset_at(&zone->rule, seconds, ret_dst);
	const struct zone_type *type =
		low == 0 ? first_type(zone) : &zone->types[zone->indices[low - 1]];

	*ret_dst = type->dst;
	return type->offset;
}

/* Years 1601 to 15,000 or so: room on both sides for offsets and sums. */
static int64_t clamp(int64_t ticks)
{
	const int64_t limit = INT64_C(1) << 62;

	return ticks > limit ? limit : ticks < -limit ? -limit : ticks;
}

int32_t zone_offset_at(const struct zone *zone, int64_t utc_ticks, bool *ret_dst)
{
	utc_ticks = clamp(utc_ticks);
	bool dst;
	const int32_t offset = offset_at_seconds(
		zone, floor_div(utc_ticks - TICKS_UNIX_EPOCH, TICKS_PER_SECOND), &dst);

	if (ret_dst)
		*ret_dst = dst;
	return offset;
}

int64_t zone_utc_to_local(const struct zone *zone, int64_t utc_ticks)
{
	return clamp(utc_ticks) + zone_offset_at(zone, utc_ticks, NULL) * TICKS_PER_SECOND;
}

/* The first instant in (low, high] at which the offset is that of high. */
static int64_t find_change(const struct zone *zone, int64_t low, int64_t high)
{
	const int32_t after = zone_offset_at(zone, high, NULL);

	while (high - low > 1) {
		const int64_t middle = low + (high - low) / 2;

		if (zone_offset_at(zone, middle, NULL) == after)
			high = middle;
		else
			low = middle;
	}
	return high;
}

bool zone_local_to_utc(const struct zone *zone, int64_t local_ticks, int64_t *ret_earliest,
		       int64_t *ret_latest)
{
	/* A reading's instant lies within the largest offset; the offsets near it are few. */
	const int64_t span = TICKS_PER_DAY;
	int64_t earliest = INT64_MAX, latest = INT64_MIN;

	local_ticks = clamp(local_ticks);
	for (int64_t at = local_ticks - span; at <= local_ticks + span; at += TICKS_PER_HOUR) {
		const int64_t utc = local_ticks - zone_offset_at(zone, at, NULL) * TICKS_PER_SECOND;

		if (zone_utc_to_local(zone, utc) != local_ticks)
			continue;
		earliest = utc < earliest ? utc : earliest;
		latest = utc > latest ? utc : latest;
	}
	if (earliest == INT64_MAX) /* the clock skipped this reading */
		earliest = latest = find_change(zone, local_ticks - span, local_ticks + span);
	*ret_earliest = earliest;
	*ret_latest = latest;
	return earliest == latest;
}

struct counts {
	int version;
	uint32_t isut, isstd, leap, times, types, chars;
};

static enum status read_header(struct cursor *c, struct counts *ret, struct failure *why)
{
	struct counts n = { 0 };
	const struct span magic = cursor_take(c, 4);
	const uint8_t version = cursor_u8(c);

	cursor_skip(c, 15);
	n.isut = cursor_u32be(c);
	n.isstd = cursor_u32be(c);
	n.leap = cursor_u32be(c);
	n.times = cursor_u32be(c);
	n.types = cursor_u32be(c);
	n.chars = cursor_u32be(c);
	if (c->status < 0)
		return failure_set(why, ERR_TRUNCATED, "TZif header");
	if (memcmp(magic.data, "TZif", 4) != 0)
		return failure_set(why, ERR_FORMAT, "no TZif file");
	if (version != 0 && (version < '2' || version > '4'))
		return failure_set(why, ERR_UNSUPPORTED, "TZif version byte 0x%02x", version);
	n.version = version ? version - '0' : 1;
	if (n.times > MAX_TRANSITIONS || n.types == 0 || n.types > 256 || n.chars > 4096)
		return failure_set(why, ERR_FORMAT, "TZif counts out of range");
	if (n.leap != 0)
		return failure_set(why, ERR_UNSUPPORTED, "zone with leap seconds");
	*ret = n;
	return STATUS_OK;
}

static size_t block_size(const struct counts *n, size_t time_size)
{
	return n->times * (time_size + 1) + n->types * 6 + n->chars + n->isstd + n->isut;
}

static enum status read_block(struct cursor *c, const struct counts *n, size_t time_size,
			      struct zone *zone, struct failure *why)
{
	if (block_size(n, time_size) > cursor_left(c))
		return failure_set(why, ERR_TRUNCATED, "TZif data block");
	zone->times = calloc(n->times + 1, sizeof(*zone->times));
	zone->indices = calloc(n->times + 1, 1);
	if (!zone->times || !zone->indices)
		return failure_set(why, ERR_NO_MEMORY, "zone");
	zone->n_times = n->times;
	zone->n_types = n->types;
	for (size_t i = 0; i < n->times; i++) {
		zone->times[i] =
			time_size == 8 ? (int64_t)cursor_u64be(c) : (int32_t)cursor_u32be(c);
		if (i > 0 && zone->times[i] <= zone->times[i - 1])
			return failure_set(why, ERR_FORMAT, "transitions do not rise");
	}
	for (size_t i = 0; i < n->times; i++) {
		zone->indices[i] = cursor_u8(c);
		if (zone->indices[i] >= n->types)
			return failure_set(why, ERR_FORMAT, "type index out of range");
	}
	for (size_t i = 0; i < n->types; i++) {
		const int32_t offset = (int32_t)cursor_u32be(c);

		if (offset < -MAX_OFFSET || offset > MAX_OFFSET)
			return failure_set(why, ERR_FORMAT, "offset of %d seconds", offset);
		zone->types[i] = (struct zone_type){ offset, cursor_u8(c) != 0 };
		cursor_skip(c, 1);
	}
	cursor_skip(c, n->chars + n->isstd + n->isut);
	return c->status < 0 ? failure_set(why, c->status, "TZif data block") : STATUS_OK;
}

static enum status read_footer(struct cursor *c, struct zone *zone, struct failure *why)
{
	char rule[128];
	size_t size = 0;

	if (cursor_left(c) < 2 || cursor_u8(c) != '\n')
		return STATUS_OK; /* no rule: the last type stays */
	while (cursor_left(c) > 0 && size < sizeof(rule) - 1) {
		const uint8_t byte = cursor_u8(c);

		if (byte == '\n') {
			rule[size] = 0;
			if (size > 0 && !read_rule(rule, &zone->rule))
				return failure_set(why, ERR_FORMAT, "rule '%s'", rule);
			return STATUS_OK;
		}
		rule[size++] = (char)byte;
	}
	return failure_set(why, ERR_FORMAT, "rule without end");
}

static enum status parse(struct span bytes, struct zone *zone, struct failure *why)
{
	struct cursor c = cursor_over(bytes, 0);
	struct counts n;
	enum status status = read_header(&c, &n, why);

	if (status < 0)
		return status;
	zone->version = n.version;
	if (n.version == 1)
		return read_block(&c, &n, 4, zone, why);
	cursor_skip(&c, block_size(&n, 4));
	status = read_header(&c, &n, why);
	if (status < 0)
		return status;
	status = read_block(&c, &n, 8, zone, why);
	if (status < 0)
		return status;
	return read_footer(&c, zone, why);
}

enum status zone_from_bytes(struct span bytes, const char *name, const char *source,
			    struct zone **ret, struct failure *why)
{
	CLEANUP(zone_free_p) struct zone *zone = calloc(1, sizeof(*zone));
	enum status status;

	if (!zone)
		return failure_set(why, ERR_NO_MEMORY, "zone");
	zone->name = strdup(name);
	zone->source = strdup(source);
	if (!zone->name || !zone->source)
		return failure_set(why, ERR_NO_MEMORY, "zone");
	status = parse(bytes, zone, why);
	if (status < 0)
		return why ? failure_wrap(why, "zone %s (%s)", name, source) : status;
	*ret = zone;
	zone = NULL;
	return STATUS_OK;
}

void zone_free(struct zone *zone)
{
	if (!zone)
		return;
	free(zone->name);
	free(zone->source);
	free(zone->times);
	free(zone->indices);
	free(zone);
}

/* The "# version 2026a" line of tzdata.zi, which zic installs beside the zones. */
static void read_tzdata_version(const char *folder, char *text, size_t size)
{
	static const char head[] = "# version ";
	char path[4096], line[64] = "";

	text[0] = 0;
	if (snprintf(path, sizeof(path), "%s/tzdata.zi", folder) >= (int)sizeof(path))
		return;
	CLEANUP(close_p) const int fd = open(path, O_RDONLY | O_CLOEXEC);

	if (fd < 0 || read(fd, line, sizeof(line) - 1) <= 0 ||
	    strncmp(line, head, sizeof(head) - 1) != 0)
		return;
	line[strcspn(line, "\n")] = 0;
	snprintf(text, size, ", tzdata %s", line + sizeof(head) - 1);
}

static bool name_is_safe(const char *name)
{
	if (!name[0] || name[0] == '/' || strstr(name, ".."))
		return false;
	for (const char *p = name; *p; p++)
		if (!((*p >= 'a' && *p <= 'z') || (*p >= 'A' && *p <= 'Z') ||
		      (*p >= '0' && *p <= '9') || strchr("/_+-", *p)))
			return false;
	return true;
}

enum status zone_load(const char *name, const char *folder, struct zone **ret, struct failure *why)
{
	char path[4096], source[4096 + 96], version[80];
	struct stat info;

	if (!name_is_safe(name))
		return failure_set(why, ERR_FORMAT, "'%s' is no name of a zone", name);
	if (!folder)
		folder = getenv("AVOUCH_ZONEINFO");
	if (!folder || !folder[0])
		folder = default_folder;
	if (snprintf(path, sizeof(path), "%s/%s", folder, name) >= (int)sizeof(path))
		return failure_set(why, ERR_LIMIT, "path of zone %s", name);
	CLEANUP(close_p) const int fd = open(path, O_RDONLY | O_CLOEXEC);

	if (fd < 0 && errno != ENOENT && errno != ENOTDIR)
		return failure_set(why, ERR_IO, "%s: %s", path, strerror(errno));
	if (fd < 0 || fstat(fd, &info) != 0 || !S_ISREG(info.st_mode)) {
		failure_set(why, STATUS_END, "no zone %s in %s", name, folder);
		return STATUS_END;
	}
	if (info.st_size > MAX_FILE)
		return failure_set(why, ERR_LIMIT, "%s is larger than any zone", path);
	CLEANUP(free_p) uint8_t *bytes = malloc((size_t)info.st_size + 1);

	if (!bytes)
		return failure_set(why, ERR_NO_MEMORY, "zone");
	const ssize_t size = read(fd, bytes, (size_t)info.st_size);

	if (size < 0)
		return failure_set(why, ERR_IO, "%s: %s", path, strerror(errno));
	read_tzdata_version(folder, version, sizeof(version));
	snprintf(source, sizeof(source), "%s%s", path, version);
	return zone_from_bytes(span_of(bytes, (size_t)size), name, source, ret, why);
}

const char *zone_name(const struct zone *zone)
{
	return zone->name;
}

const char *zone_source(const struct zone *zone)
{
	return zone->source;
}

int zone_version(const struct zone *zone)
{
	return zone->version;
}
