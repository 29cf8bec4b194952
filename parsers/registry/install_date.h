/* SPDX-License-Identifier: Apache-2.0 */
#ifndef AVOUCH_PARSERS_REGISTRY_INSTALL_DATE_H
#define AVOUCH_PARSERS_REGISTRY_INSTALL_DATE_H

#include "parsers/base/instant.h"

/*
 * The InstallDate of an uninstall key. Windows Installer writes the local day as "YYYYMMDD"
 * (learn.microsoft.com, "Uninstall Registry Key": the day of the last service of the product);
 * other installers write what they like. Gives a local day (precision one day, ZONE_LOCAL) for
 * YYYYMMDD, YYYY-MM-DD, YYYY/MM/DD, YYYY.MM.DD, and for D.M.Y and M/D/Y where only one reading
 * is a date; a number of ten digits is seconds since 1970. INVALID when it is none of these or
 * ambiguous, UNSET when empty.
 */
struct instant install_date_parse(struct text text);

#endif
