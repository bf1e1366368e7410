/* watchdog.h - the independent watchdog: once started nothing but a reset stops it. */
#ifndef WATCHDOG_H
#define WATCHDOG_H

#define WATCHDOG_MS 100U

void watchdog_start(void);

void watchdog_feed(void);

#endif
