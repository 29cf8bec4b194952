/* SPDX-License-Identifier: Apache-2.0 */
#include "analyzer/judge/state.h"

#include "parsers/base/text.h"

/* SERVICE_DISABLED (winsvc.h). */
enum { START_DISABLED = 4 };

static bool is_type(const struct witness *w, const char *type)
{
	return w->trace && strcmp(w->trace->trace.type->name, type) == 0;
}

static bool is_service(const struct witness *w)
{
	return w->at_acquisition && is_type(w, "windows.registry.service");
}

static bool is_live_file(const struct witness *w)
{
	return w->at_acquisition && is_type(w, "filesystem.file") &&
	       text_equal(trace_text(&w->trace->trace, "kind"), TEXT("file"));
}

/* Whether some protection component of the product can be seen through this aspect. */
static bool protects_by(const struct product *product, enum aspect aspect)
{
	for (unsigned c = 0; c < product->n_components; c++) {
		const struct component *component = &product->components[c];

		for (unsigned a = 0;
		     component->role == ROLE_PROTECTION && a < component->n_alternatives; a++)
			if (component->alternatives[a].conditions[aspect])
				return true;
	}
	return false;
}

/*
 * Whether the file that a service starts is gone for certain: its path is one that the file
 * system was searched for, the search was complete, and no live file of that name was found.
 */
static bool image_is_gone(const struct judging *j, const struct system *system,
			  const struct witness *witnesses, size_t n, const struct witness *service)
{
	const struct text path = path_normalize(
		j->arena, trace_text(&service->trace->trace, "image_path"));
	const struct text name = path_base_name(path);

	if (!system->files_whole || name.size == 0 || !matcher_wants_path(j->matcher, path))
		return false;
	for (size_t i = 0; i < n; i++)
		if (is_live_file(&witnesses[i]) &&
		    text_equal_folded(path_base_name(trace_text(&witnesses[i].trace->trace,
								"path")),
				      name))
			return false;
	return true;
}

bool witness_would_load(const struct judging *j, const struct system *system,
			const struct witness *witnesses, size_t n, const struct witness *w)
{
	if (!is_service(w) || (w->role != ROLE_LOADS && w->role != ROLE_PROTECTION))
		return false;
	if (trace_get(&w->trace->trace, "start")->kind == VALUE_UINT &&
	    trace_uint(&w->trace->trace, "start") >= START_DISABLED)
		return false;
	return !image_is_gone(j, system, witnesses, n, w);
}

enum product_state state_at_acquisition(const struct judging *j, const struct witness *witnesses,
					size_t n)
{
	const struct system *system = &j->systems[witnesses[0].system];
	const struct product *product = &j->signatures->products[witnesses[0].product];
	const bool by_service = protects_by(product, ASPECT_SERVICE) ||
				protects_by(product, ASPECT_SERVICE_NAME);
	const bool by_file = protects_by(product, ASPECT_PATH);
	bool service = false, file = false, record = false, anything = false;

	for (size_t i = 0; i < n; i++) {
		const struct witness *w = &witnesses[i];

		anything |= w->at_acquisition;
		if (w->role == ROLE_PROTECTION && is_service(w))
			service |= !image_is_gone(j, system, witnesses, n, w);
		file |= w->role == ROLE_PROTECTION && is_live_file(w);
		record |= w->at_acquisition && w->role == ROLE_REGISTRATION &&
			  (is_type(w, "windows.registry.uninstall") ||
			   is_type(w, "windows.registry.msi-product"));
	}
	if (service || (!by_service && file) || (!by_service && !by_file && record))
		return STATE_INSTALLED;
	/* Without the hives the program and its record are all there is to go by. */
	if (!system->hives_whole && file)
		return STATE_INSTALLED;
	if (!system->hives_whole)
		return STATE_UNKNOWN;
	return anything ? STATE_RESIDUE : STATE_ABSENT;
}
