/* SPDX-License-Identifier: Apache-2.0 */
#include "analyzer/judge/weighing.h"

const char *outcome_name(enum outcome outcome)
{
	static const char *const names[] = {
		[OUTCOME_NOT_APPLICABLE] = "not-applicable",
		[OUTCOME_NOTED] = "noted",
		[OUTCOME_INSTALLED_AFTER] = "installed-after",
		[OUTCOME_NOT_YET_DUE] = "not-yet-due",
		[OUTCOME_REINSTALLED] = "reinstalled",
		[OUTCOME_NOT_REMOVED] = "not-removed",
		[OUTCOME_RESIDUE] = "residue",
		[OUTCOME_REMOVED_LATE] = "removed-late",
		[OUTCOME_REMOVED_IN_TIME] = "removed-in-time",
		[OUTCOME_NO_TRACE] = "no-trace",
		[OUTCOME_INDETERMINATE] = "indeterminate",
	};

	return names[outcome];
}

bool outcome_is_adverse(enum outcome outcome)
{
	return outcome == OUTCOME_INSTALLED_AFTER || outcome == OUTCOME_REINSTALLED ||
	       outcome == OUTCOME_NOT_REMOVED || outcome == OUTCOME_RESIDUE ||
	       outcome == OUTCOME_REMOVED_LATE;
}

int outcome_exit(enum outcome outcome, bool qualified, enum duty duty)
{
	if (outcome == OUTCOME_INDETERMINATE)
		return 2;
	if (outcome_is_adverse(outcome))
		return duty == DUTY_BEGIN_BY ? 2 : 1;
	if (outcome == OUTCOME_NOTED || outcome == OUTCOME_NOT_APPLICABLE)
		return 0;
	return qualified ? 2 : 0;
}

int outcome_severity(enum outcome outcome)
{
	static const enum outcome order[] = {
		OUTCOME_NOT_REMOVED,  OUTCOME_REINSTALLED,     OUTCOME_INSTALLED_AFTER,
		OUTCOME_REMOVED_LATE, OUTCOME_RESIDUE,         OUTCOME_INDETERMINATE,
		OUTCOME_NOT_YET_DUE,  OUTCOME_REMOVED_IN_TIME, OUTCOME_NOTED,
		OUTCOME_NO_TRACE,     OUTCOME_NOT_APPLICABLE,
	};

	for (int i = 0; i < (int)(sizeof(order) / sizeof(order[0])); i++)
		if (order[i] == outcome)
			return i;
	return 99;
}
