/* created.h - the time at which something is made, as manifests say it. */
#ifndef OUTRO_CLI_CREATED_H
#define OUTRO_CLI_CREATED_H

/** Now, UTC, whole seconds: "2026-11-24T10:15:00Z". */
void created_now(char out[32]);

#endif
