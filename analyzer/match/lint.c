/* SPDX-License-Identifier: Apache-2.0 */
#include "analyzer/match/lint.h"

void lint_report_clear(struct lint_report *report)
{
	free(report->text);
	*report = (struct lint_report){ 0 };
}

enum status signatures_lint(const char *folder, const char *mandates, struct lint_report *ret,
			    struct failure *why)
{
	CLEANUP(signature_set_free_p) struct signature_set *set = NULL;
	CLEANUP(mandate_set_free_p) struct mandate_set *acts = NULL;
	struct messages m;
	enum status status = messages_open(&m, why);

	if (status < 0)
		return status;
	status = signature_set_load_lenient(folder, &m, &set, why);
	if (status == STATUS_OK && mandates)
		status = mandate_set_load_lenient(mandates, set, &m, &acts, why);
	messages_close(&m);
	if (status < 0) {
		free(m.text);
		return status;
	}
	status = messages_failure(&m, why);
	*ret = (struct lint_report){ m.text, m.n };
	return status;
}
