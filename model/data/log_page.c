#include "data/log_page.h"

/* The member of an object of that name; size 0 when it has none. */
static struct slice member_of(struct slice object, const char *wanted)
{
    struct json_walk walk = json_walk_begin(object);
    struct slice name, value;
    while (json_walk_member(&walk, &name, &value))
        if (slice_is(name, wanted))
            return value;
    return (struct slice){"", 0};
}

static bool begins_with(struct slice text, char byte)
{
    return text.size > 0 && text.data[0] == byte;
}

/* What the first member tells about an object, without walking over all of it: every record is
 * asked this. */
enum kind { RECORD, WRAPPED_TRACKS, WRAPPED_LISTENS, BARE_TRACKS };

static enum kind kind_of(struct slice text, struct slice *inner)
{
    const char *end = text.data + text.size;
    if (!begins_with(text, '{'))
        return RECORD;
    const char *p = json_skip_blanks(text.data + 1, end);
    if (end - p < (ptrdiff_t)sizeof "\"track\"" || p[0] != '"' ||
        (p[1] != 'r' && p[1] != 'p' && p[1] != 't' && p[1] != '@'))
        return RECORD;
    struct json_walk walk = json_walk_begin(text);
    struct slice name;
    if (!json_walk_member(&walk, &name, inner))
        return RECORD;
    if (slice_is(name, "recenttracks") && begins_with(*inner, '{'))
        return WRAPPED_TRACKS;
    if (slice_is(name, "payload") && begins_with(*inner, '{'))
        return WRAPPED_LISTENS;
    bool tracks = slice_is(name, "track") && begins_with(*inner, '[');
    if (tracks || (slice_is(name, "@attr") && begins_with(member_of(text, "track"), '['))) {
        *inner = text;
        return BARE_TRACKS;
    }
    return RECORD;
}

bool log_page_open(struct slice text, struct log_page *page)
{
    struct slice inner = {"", 0}, rows;
    enum kind kind = kind_of(text, &inner);
    *page = (struct log_page){.user = {"", 0}, .only = {"", 0}};
    if (kind == RECORD)
        return false;
    if (kind == WRAPPED_LISTENS) {
        page->user = member_of(inner, "user_id");
        rows = member_of(inner, "listens");
    } else {
        page->user = member_of(member_of(inner, "@attr"), "user");
        rows = member_of(inner, "track");
    }
    if (begins_with(rows, '{')) {
        page->only = rows;
        rows = (struct slice){"[]", 2};
    }
    page->walk = json_walk_begin(rows);
    return true;
}

bool log_page_next(struct log_page *page, struct slice *out)
{
    if (page->only.size > 0) {
        *out = page->only;
        page->only.size = 0;
        return true;
    }
    if (json_walk_element(&page->walk, out))
        return true;
    page->is_broken = !page->walk.is_whole;
    return false;
}
