/* SPDX-License-Identifier: Apache-2.0 */
#include "analyzer/judge/sample.h"

#include "parsers/base/text.h"

/* What one row of the table is given. */
struct reading_of {
	const struct judging *judging;
	const struct system *system;
	enum sample sample;
	int64_t sampled_at; /* 0: not in a dated sample of the registry */
	const struct trace *trace;
	enum role role;
	struct witness *out;
	size_t n, max;
};

static struct bound when(const struct reading_of *r, const char *field)
{
	const struct zone_rules *zone = r->system ? r->system->zone : NULL;

	return bound_of_instant(zone, trace_instant(r->trace, field));
}

static struct witness *say(struct reading_of *r, enum assertion assertion, enum family family,
			   struct bound bound)
{
	if (r->n == r->max)
		return &r->out[r->max - 1];

	struct witness *w = &r->out[r->n++];

	*w = (struct witness){ .assertion = assertion, .family = family, .when = bound };
	if (r->sample == SAMPLE_SNAPSHOT)
		w->family = FAMILY_SNAPSHOT;
	return w;
}

/* An event whose time is missing proves nothing that can be dated. */
static struct witness *say_at(struct reading_of *r, enum assertion assertion, enum family family,
			      const char *field)
{
	struct witness *w = say(r, assertion, family, when(r, field));

	w->whole_act = bound_has_start(w->when);
	return w;
}

/* The container rule: gone from its parent when that was last written. */
static struct witness *say_gone_from(struct reading_of *r, enum family family, struct bound bound,
				     const char *why)
{
	struct witness *w = say(r, ASSERTS_END, family, bound);

	w->by_container = true;
	w->qualified = why;
	return w;
}

static bool is_recovered(const struct reading_of *r)
{
	return r->trace->recovery != RECOVERY_ALLOCATED &&
	       r->trace->recovery != RECOVERY_LOG_REPLAYED;
}

static bool superseded(const struct reading_of *r)
{
	return trace_uint(r->trace, "superseded") != 0;
}

/* -- Windows Installer -------------------------------------------------------------------- */

/* ERROR_SUCCESS, ERROR_SUCCESS_REBOOT_INITIATED, ERROR_SUCCESS_REBOOT_REQUIRED (winerror.h). */
static bool msi_success(const struct value *status)
{
	return status->kind != VALUE_UINT || status->uint == 0 || status->uint == 1641 ||
	       status->uint == 3010;
}

/* ERROR_UNKNOWN_PRODUCT (winerror.h): what was to be removed was not there. */
enum { MSI_UNKNOWN_PRODUCT = 1605 };

/* What could not be removed was registered still. */
static enum assertion failed_removal(const struct value *status)
{
	return status->kind == VALUE_UINT && status->uint == MSI_UNKNOWN_PRODUCT ?
		       ASSERTS_ATTEMPT : ASSERTS_PRESENT;
}

static void read_msi(struct reading_of *r)
{
	const uint64_t id = trace_uint(r->trace, "event_id");
	const bool ok = msi_success(trace_get(r->trace, "status"));

	switch (id) {
	case 1033:
		say_at(r, ok ? ASSERTS_BEGIN : ASSERTS_ATTEMPT, FAMILY_INSTALLER, "time");
		break;
	case 11707:
		say_at(r, ASSERTS_BEGIN, FAMILY_INSTALLER, "time");
		break;
	case 1034:
		say_at(r, ok ? ASSERTS_END : failed_removal(trace_get(r->trace, "status")),
		       FAMILY_INSTALLER, "time");
		break;
	case 11725:
		say_at(r, ASSERTS_PRESENT, FAMILY_INSTALLER, "time");
		break;
	case 11724:
		say_at(r, ASSERTS_END, FAMILY_INSTALLER, "time");
		break;
	case 1035:
	case 1036:
	case 1037:
		say_at(r, ok ? ASSERTS_PRESENT : ASSERTS_ATTEMPT, FAMILY_INSTALLER, "time");
		break;
	default: /* 1040, 1042: a transaction; 1038: a restart is due; 11708: it failed */
		say_at(r, ASSERTS_ATTEMPT, FAMILY_INSTALLER, "time");
	}
}

/* -- registry state ----------------------------------------------------------------------- */

/*
 * A registry record of the product. Live: there when its key was last written and at acquisition
 * (or when the snapshot was made). Recovered: there when it was last written, gone when its parent
 * was (container rule), unless a live key of that path shows it for an earlier state.
 */
static void read_key_state(struct reading_of *r, enum family family, bool essential)
{
	const struct bound written = when(r, "key_last_written");
	struct witness *w;

	if (is_recovered(r)) {
		if (!essential || !bound_has_start(written))
			return;
		w = say(r, ASSERTS_PRESENT, family, bound_at(written.not_before));
		w->qualified = trace_uint(r->trace, "path_sure") ? NULL :
			"the path of the recovered key could not be verified";

		const struct bound container = when(r, "container_last_written");

		if (superseded(r) || !bound_has_start(container) ||
		    container.not_before < written.not_before)
			return;
		(void)say_gone_from(r, family,
				    bound_between(written.not_before, container.not_before),
				    "bound by the last-written time of the parent key");
		return;
	}
	if (essential && r->sampled_at)
		say(r, ASSERTS_PRESENT, family, bound_at(r->sampled_at));
	if (r->sample == SAMPLE_SNAPSHOT)
		return;
	if (essential && bound_has_start(written))
		say(r, ASSERTS_PRESENT, family, bound_at(written.not_before));
	if (r->sample == SAMPLE_LIVE) {
		w = say(r, ASSERTS_RESIDUE, family, bound_open());
		w->at_acquisition = true;
	}
}

static void read_leftover(struct reading_of *r);

/*
 * The product's own branch. Live it may be a leftover. Deleted it was the product's record, but a
 * clean-up may have come long after the product went, and a tree that is torn down gets new times on
 * the way: only that the product had gone by then is told.
 */
static void read_own_key(struct reading_of *r)
{
	const struct bound container = when(r, "container_last_written");

	if (!is_recovered(r)) {
		read_leftover(r);
		return;
	}
	if (r->role == ROLE_REGISTRATION && !superseded(r) && bound_has_end(container))
		(void)say_gone_from(r, FAMILY_PRODUCT, bound_until(container.not_after),
				    "bound by the last-written time of the parent key");
}

/* InstallDate is the last service day: present on that day, begun no later than its end. */
static void read_uninstall(struct reading_of *r)
{
	const struct bound day = when(r, "install_date");

	read_key_state(r, FAMILY_INSTALLER, true);
	if (bound_has_start(day)) {
		say(r, ASSERTS_PRESENT, FAMILY_INSTALLER, day);
		say(r, ASSERTS_BEGIN, FAMILY_INSTALLER, bound_until(day.not_after));
	}
}

static bool of_current_control_set(const struct trace *t)
{
	const struct value *current = trace_get(t, "current");

	return current->kind != VALUE_UINT || current->uint != 0;
}

static void read_service(struct reading_of *r)
{
	if (of_current_control_set(r->trace) || is_recovered(r))
		read_key_state(r, FAMILY_SERVICES, r->role == ROLE_PROTECTION);
}

/* State that proves nothing about the past: what is left, for the list of leftovers. */
static void read_leftover(struct reading_of *r)
{
	if (!is_recovered(r) && r->sample == SAMPLE_LIVE && of_current_control_set(r->trace))
		say(r, ASSERTS_RESIDUE, FAMILY_SYSTEM, bound_open())->at_acquisition = true;
}

/* The package goes with the product: one that is kept shows what is registered, undated. */
static void read_installer_package(struct reading_of *r)
{
	if (!is_recovered(r) && r->sample == SAMPLE_LIVE)
		say(r, ASSERTS_RESIDUE, FAMILY_INSTALLER, bound_open())->at_acquisition = true;
}

/* -- file system -------------------------------------------------------------------------- */

static int64_t later(int64_t a, struct bound b)
{
	return bound_has_start(b) && (a == BOUND_OPEN_START || b.not_before > a) ? b.not_before : a;
}

/* When the Windows that a file was set aside with was replaced; 0 for a file that was not. */
static int64_t replaced_at(const struct reading_of *r)
{
	return r->system && is_set_aside(trace_text(r->trace, "path")) ? r->system->installed_at : 0;
}

/* What touched a file since its Windows was replaced does not speak of that one. */
static struct bound stood_at(const struct reading_of *r, int64_t at)
{
	const int64_t since = replaced_at(r);

	return since && at > since ? bound_until(since) : bound_at(at);
}

/*
 * The essential program file. Proof that it stood on this volume are the times the file system
 * itself sets (name created, entry changed), never the content's modification time. A deleted
 * entry whose parent folder is still the same one was deleted no later than that folder changed.
 */
static void read_file(struct reading_of *r)
{
	const bool program = r->role == ROLE_PROTECTION &&
			     text_equal(trace_text(r->trace, "kind"), TEXT("file"));
	const struct bound named = when(r, "name_created");
	int64_t proof = later(BOUND_OPEN_START, named);
	struct witness *w;

	proof = later(proof, when(r, "changed"));
	if (r->sample == SAMPLE_SNAPSHOT)
		return; /* a file in a snapshot proves nothing alone */
	if (program && bound_has_start(named))
		say(r, ASSERTS_PRESENT, FAMILY_FILESYSTEM, stood_at(r, named.not_before));
	if (program && proof != BOUND_OPEN_START && (!bound_has_start(named) ||
						     proof != named.not_before))
		say(r, ASSERTS_PRESENT, FAMILY_FILESYSTEM, stood_at(r, proof));
	if (!is_recovered(r)) {
		if (r->sample == SAMPLE_LIVE)
			say(r, ASSERTS_RESIDUE, FAMILY_FILESYSTEM, bound_open())
				->at_acquisition = true;
		return;
	}

	const struct bound container = when(r, "container_modified");

	if (!program || superseded(r) || proof == BOUND_OPEN_START ||
	    !bound_has_start(container) || container.not_before < proof)
		return;
	w = say_gone_from(r, FAMILY_FILESYSTEM, bound_between(proof, container.not_before),
			  "bound by the modification time of the parent folder");
	w->component_only = true;
}

/* What a program file says of itself: the same file, so no recorder of its own. */
static void read_program_file(struct reading_of *r)
{
	if (!is_recovered(r) && r->sample == SAMPLE_LIVE)
		say(r, ASSERTS_RESIDUE, FAMILY_FILESYSTEM, bound_open())->at_acquisition = true;
}

/* USN_REASON_FILE_CREATE, USN_REASON_FILE_DELETE, USN_REASON_RENAME_* (winioctl.h). */
enum { USN_CREATE = 0x100, USN_DELETE = 0x200 };

/* A program or a driver, by its name. */
static bool is_code(struct text path)
{
	const struct text end = { path.data + path.size - 4, 4 };

	return path.size > 4 && (text_equal_folded(end, TEXT(".sys")) ||
				 text_equal_folded(end, TEXT(".exe")));
}

static void read_usn(struct reading_of *r)
{
	const uint64_t reasons = trace_uint(r->trace, "reasons");

	if (r->role != ROLE_PROTECTION) {
		/* The deletion of a driver is no end, but it is part of one. */
		if ((reasons & USN_DELETE) && is_code(trace_text(r->trace, "path")))
			say_at(r, ASSERTS_ATTEMPT, FAMILY_FILESYSTEM, "time");
		return;
	}
	if (replaced_at(r) && when(r, "time").not_after > replaced_at(r))
		return; /* what happens below Windows.old is clearing up */
	if (reasons & USN_DELETE)
		say_at(r, ASSERTS_END, FAMILY_FILESYSTEM, "time")->component_only = true;
	else
		say_at(r, ASSERTS_PRESENT, FAMILY_FILESYSTEM, "time");
}

/* -- what ran, what was recorded ---------------------------------------------------------- */

static bool is_tool_role(enum role role)
{
	return role == ROLE_INSTALLER || role == ROLE_REMOVER;
}

static void read_run(struct reading_of *r, const char *field)
{
	const bool tool = is_tool_role(r->role);
	const bool whole = trace_text(r->trace, "path").size > 0;

	if (!tool && (!whole || (r->role != ROLE_PROTECTION && r->role != ROLE_PROGRAM)))
		return;
	say_at(r, tool ? ASSERTS_ATTEMPT : ASSERTS_PRESENT, FAMILY_EXECUTION, field)->use = !tool;
}

static void read_prefetch(struct reading_of *r)
{
	read_run(r, "run");
}

static void read_last_run(struct reading_of *r)
{
	read_run(r, "last_run");
}

static void read_use(struct reading_of *r)
{
	read_run(r, "time");
}

/* A row of the usage monitor tells of the time since the row before. */
static void read_srum(struct reading_of *r)
{
	const size_t n = r->n;
	const struct bound since = when(r, "since");

	read_run(r, "time");
	if (r->n > n)
		r->out[n].when.not_before = bound_has_start(since) ? since.not_before :
								     BOUND_OPEN_START;
}

static void read_service_installed(struct reading_of *r)
{
	if (r->role == ROLE_PROTECTION)
		say_at(r, ASSERTS_BEGIN, FAMILY_SERVICES, "time");
	else if (r->role == ROLE_LOADS)
		say_at(r, ASSERTS_ATTEMPT, FAMILY_SERVICES, "time");
}

static void read_service_state(struct reading_of *r)
{
	const uint64_t id = trace_uint(r->trace, "event_id");

	if (r->role != ROLE_PROTECTION)
		return;
	if (id == 7000 || id == 7001 || id == 7026) /* it did not start: only its entry is there */
		say_at(r, ASSERTS_ATTEMPT, FAMILY_SERVICES, "time");
	else
		say_at(r, ASSERTS_PRESENT, FAMILY_SERVICES, "time")->use = id == 7036 || id == 7035;
}

/*
 * A product that reports itself on works. Any other state is also what Windows says of a
 * registration whose product has gone.
 */
static void read_security_center(struct reading_of *r)
{
	const struct text on = TEXT("SECURITY_PRODUCT_STATE_ON");
	const bool works = text_equal(trace_text(r->trace, "state"), on);

	say_at(r, works ? ASSERTS_PRESENT : ASSERTS_ATTEMPT, FAMILY_SYSTEM, "time")->use = works;
}

static void read_vendor_record(struct reading_of *r)
{
	if (r->role == ROLE_ACTIVITY)
		say_at(r, ASSERTS_PRESENT, FAMILY_PRODUCT, "time")->use = true;
}

/* The inventory notices after the fact: only the upper end of each is known. */
static void read_inventory(struct reading_of *r)
{
	const struct bound noticed = when(r, "time");

	if (!bound_has_end(noticed))
		return;
	switch (trace_uint(r->trace, "event_id")) {
	case 903:
	case 904:
		say(r, ASSERTS_BEGIN, FAMILY_SYSTEM, bound_until(noticed.not_after));
		break;
	case 907:
	case 908:
		say(r, ASSERTS_END, FAMILY_SYSTEM, bound_until(noticed.not_after))->component_only =
			true;
		break;
	default:
		say(r, ASSERTS_ATTEMPT, FAMILY_SYSTEM, noticed);
	}
}

static void read_amcache_program(struct reading_of *r)
{
	const struct bound removed = when(r, "uninstall_time");
	const struct bound installed = when(r, "install_date");
	const struct bound noticed = when(r, "key_last_written");

	if (bound_has_end(noticed) && !is_recovered(r))
		say(r, ASSERTS_BEGIN, FAMILY_SYSTEM, bound_until(noticed.not_after));
	/* The inventory's date of installation may be that of a later service: an upper end too. */
	if (bound_has_end(installed))
		say(r, ASSERTS_BEGIN, FAMILY_SYSTEM, bound_until(installed.not_after));
	if (bound_has_end(removed))
		say(r, ASSERTS_END, FAMILY_SYSTEM, bound_until(removed.not_after))->component_only =
			true;
}

/* A path that was once seen: when is not known. */
static void read_undated(struct reading_of *r)
{
	if (r->role == ROLE_PROTECTION)
		say(r, ASSERTS_PRESENT, FAMILY_EXECUTION, bound_open());
}

static void read_attempt(struct reading_of *r)
{
	struct bound at = when(r, "start");

	if (!bound_has_start(at))
		at = when(r, "time");
	say(r, ASSERTS_ATTEMPT, FAMILY_SYSTEM, at);
}

/* A file of the product that was loaded or scanned: it was there, whether the product worked or not. */
static void read_loaded(struct reading_of *r)
{
	if (r->role == ROLE_PROTECTION || r->role == ROLE_PROGRAM || r->role == ROLE_LOADS)
		say_at(r, ASSERTS_PRESENT, FAMILY_EXECUTION, "time");
}

/* A shortcut to an installer is no part of the product. */
static void read_shortcut(struct reading_of *r)
{
	if (!is_tool_role(r->role))
		read_leftover(r);
}

static void read_nothing(struct reading_of *r)
{
	(void)r; /* kept for the timeline only */
}

/* Windows Installer's own records in the registry. */
static void read_installer_key(struct reading_of *r)
{
	read_key_state(r, FAMILY_INSTALLER, true);
}

/*
 * What each kind of trace asserts. A type that is not named says only that something is there now.
 */
static const struct semantics {
	const char *type;
	void (*read)(struct reading_of *r);
} table[] = {
	{ "filesystem.file", read_file },
	{ "ntfs.index-entry", read_file },
	{ "ntfs.usn", read_usn },
	{ "windows.amcache.driver", read_undated },
	{ "windows.amcache.file", read_undated },
	{ "windows.amcache.program", read_amcache_program },
	{ "windows.bam.run", read_prefetch },
	{ "windows.compatibility-store.entry", read_undated },
	{ "windows.event.crash", read_use },
	{ "windows.event.defender", read_vendor_record },
	{ "windows.event.driver", read_attempt },
	{ "windows.event.inventory", read_inventory },
	{ "windows.event.msi", read_msi },
	{ "windows.event.record", read_vendor_record },
	{ "windows.event.restart-manager", read_attempt },
	{ "windows.event.restore-point", read_attempt },
	{ "windows.event.security-center", read_security_center },
	{ "windows.event.service-installed", read_service_installed },
	{ "windows.event.service-state", read_service_state },
	{ "windows.event.task", read_attempt },
	{ "windows.log.install", read_attempt },
	{ "windows.mplog.file", read_loaded },
	{ "windows.mplog.run", read_use },
	{ "windows.msi.package", read_installer_package },
	{ "windows.muicache.entry", read_undated },
	{ "windows.pca.launch", read_prefetch },
	{ "windows.pe.version", read_program_file },
	{ "windows.prefetch.run", read_prefetch },
	{ "windows.recent-apps.run", read_last_run },
	{ "windows.registry.key", read_own_key },
	{ "windows.registry.legacy-device", read_undated },
	{ "windows.registry.msi-class", read_installer_key },
	{ "windows.registry.msi-product", read_uninstall },
	{ "windows.registry.msi-upgrade", read_leftover },
	{ "windows.registry.service", read_service },
	{ "windows.registry.uninstall", read_uninstall },
	{ "windows.registry.value", read_nothing }, /* facts.c reads what values mean */
	{ "windows.restore-point", read_attempt },
	{ "windows.setupapi.section", read_attempt },
	{ "windows.shimcache.entry", read_undated },
	{ "windows.shortcut", read_shortcut },
	{ "windows.srum.use", read_srum },
	{ "windows.userassist.run", read_last_run },
	{ "windows.wer.module", read_loaded },
	{ "windows.wer.report", read_use },
};

/* Whether a source stands on another volume than the system it is taken to belong to. */
static bool is_elsewhere(const struct judging *j, const struct system *system,
			 const struct case_source *source)
{
	const struct case_volume *volume = find_volume(j->contents, source->volume);

	return system && volume &&
	       (volume->snapshot_of ? volume->snapshot_of : volume->id) != system->volume;
}

/*
 * A volume without a system may be a backup, or the disk of another machine: what stands there is
 * noted, but when it was written says nothing of this system.
 */
static size_t keep_state_only(struct witness *w, size_t n)
{
	size_t kept = 0;

	for (size_t i = 0; i < n; i++)
		if (w[i].at_acquisition)
			w[kept++] = w[i];
	return kept;
}

static void read_by_table(struct reading_of *r)
{
	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
		if (strcmp(table[i].type, r->trace->type->name) == 0) {
			table[i].read(r);
			return;
		}
	}
	read_leftover(r);
}

size_t semantics_of(const struct judging *judging, const struct system *system,
		    const struct case_source *source, const struct trace *trace, enum role role,
		    struct witness *ret, size_t max)
{
	struct reading_of r = { judging, system, sample_of_source(judging->contents, source),
				sampled_at(judging, source), trace, role, ret, 0, max };

	read_by_table(&r);
	return is_elsewhere(judging, system, source) ? keep_state_only(ret, r.n) : r.n;
}
