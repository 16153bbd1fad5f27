#include "data/timestamp.h"

bool timestamp_days(int year, int month, int day, int64_t *days)
{
    static const unsigned char LENGTH[12] = {31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    if (year < 1 || year > 9999 || month < 1 || month > 12 || day < 1 || day > LENGTH[month - 1])
        return false;
    bool leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    if (month == 2 && day == 29 && !leap)
        return false;
    /* Years begin in March, so that the leap day is the last; eras are 400 years, which repeat
     * exactly. */
    int y = month <= 2 ? year - 1 : year;
    int era = y / 400;
    int year_of_era = y - era * 400;
    int day_of_year = (153 * (month > 2 ? month - 3 : month + 9) + 2) / 5 + day - 1;
    int day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
    *days = INT64_C(146097) * era + day_of_era - 719468;
    return true;
}

/* Value of count decimal digits, or negative. */
static int digits(const char *text, int count)
{
    int value = 0;
    unsigned bad = 0;
    for (int i = 0; i < count; i++) {
        unsigned digit = (unsigned char)text[i] - (unsigned)'0';
        bad |= digit > 9;
        value = value * 10 + (int)(digit & 15);
    }
    return bad ? -1 : value;
}

enum timestamp_result timestamp_parse(const char *text, size_t size, struct event_time *out)
{
    bool has_millis = size == sizeof "2009-05-03T15:48:25.123Z" - 1;
    if (!has_millis && size != sizeof "2009-05-03T15:48:25Z" - 1)
        return TIMESTAMP_NOT_ISO;
    int year = digits(text, 4), month = digits(text + 5, 2), day = digits(text + 8, 2);
    int hour = digits(text + 11, 2), minute = digits(text + 14, 2), second = digits(text + 17, 2);
    int millis = has_millis ? digits(text + 20, 3) : 0;
    if ((year | month | day | hour | minute | second | millis) < 0 || text[4] != '-' ||
        text[7] != '-' || text[10] != 'T' || text[13] != ':' || text[16] != ':' ||
        (has_millis && text[19] != '.') || text[size - 1] != 'Z')
        return TIMESTAMP_NOT_ISO;

    int64_t days;
    if (!timestamp_days(year, month, day, &days) || hour > 23 || minute > 59 || second > 59)
        return TIMESTAMP_NO_SUCH_TIME;
    int64_t seconds = days * 86400 + hour * 3600 + minute * 60 + second;
    struct event_time time = {seconds * 1000 + millis};
    if (!event_time_valid(time))
        return TIMESTAMP_OUT_OF_RANGE;
    *out = time;
    return TIMESTAMP_OK;
}
