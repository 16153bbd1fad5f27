#include "prepare/play_text.h"

#include <string.h>

struct date {
    int year, month, day;
};

static struct date date_of(int64_t days)
{
    /* Years begin in March, so that the leap day is the last; eras are 400 years, which repeat
     * exactly. */
    int64_t shifted = days + 719468, era = shifted / 146097;
    int day_of_era = (int)(shifted - era * 146097);
    int year_of_era =
        (day_of_era - day_of_era / 1460 + day_of_era / 36524 - day_of_era / 146096) / 365;
    int day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    int month = (5 * day_of_year + 2) / 153; /* from March */
    return (struct date){
        .year = year_of_era + (int)era * 400 + (month >= 10),
        .month = month < 10 ? month + 3 : month - 9,
        .day = day_of_year - (153 * month + 2) / 5 + 1,
    };
}

int play_year(int64_t second)
{
    return date_of(second / 86400).year;
}

static void put_two(int value, char *out)
{
    out[0] = (char)('0' + value / 10);
    out[1] = (char)('0' + value % 10);
}

void play_put_time(int64_t time_ms, char out[PLAY_TIME_BYTES])
{
    int64_t second = time_ms / 1000;
    struct date date = date_of(second / 86400);
    int of_day = (int)(second % 86400);
    memcpy(out, "0000-00-00T00:00:00Z", PLAY_TIME_BYTES);
    put_two(date.year / 100, out);
    put_two(date.year % 100, out + 2);
    put_two(date.month, out + 5);
    put_two(date.day, out + 8);
    put_two(of_day / 3600, out + 11);
    put_two(of_day / 60 % 60, out + 14);
    put_two(of_day % 60, out + 17);
}
