/* report_folder.h - a folder of results: files that are written whole or complained of, and
 * pictures that gnuplot draws from the data files beside them. A report without its pictures is a
 * report. */
#ifndef OUTRO_CLI_REPORT_FOLDER_H
#define OUTRO_CLI_REPORT_FOLDER_H

#include <stdio.h>

#include "core/err.h"

/** Makes the folder, and asks whether it can be written to before hours of work. @return 0, or -1
 * with ERR_IO */
int report_folder_prepare(const char *path, struct err *err) MUST_CHECK;

/** @return new file name in the folder, for report_folder_close(); NULL with ERR_IO */
FILE *report_folder_open(const char *path, const char *name, struct err *err) MUST_CHECK;
/** What was written is only written when closing says so. @return 0, or -1 with ERR_IO */
int report_folder_close(const char *path, const char *name, FILE *file, struct err *err) MUST_CHECK;
int report_folder_text(const char *path, const char *name, const char *text,
                       struct err *err) MUST_CHECK;

/** Takes a file out of the folder; one that is not there is fine. @return 0, or -1 with ERR_IO */
int report_folder_remove(const char *path, const char *name, struct err *err) MUST_CHECK;
/** The same for NAME.tsv, .gnuplot, .svg and .png: a picture of before would stand beside new data
 * when gnuplot is gone, or when it is not drawn again. */
int report_folder_remove_picture(const char *path, const char *name, struct err *err) MUST_CHECK;

enum plot_outcome { PLOT_DRAWN, PLOT_NO_GNUPLOT, PLOT_FAILED };

/** Writes script as NAME.gnuplot and runs gnuplot over it, in the folder.
 *  @return 0 also without a picture, or -1 with ERR_IO */
int report_folder_draw(const char *path, const char *name, const char *script,
                       enum plot_outcome *outcome, struct err *err) MUST_CHECK;

/** The sentence on standard error that says why a report has no pictures; nothing if it has. */
void report_folder_regret(const char *command, const char *path, enum plot_outcome outcome);

#endif
