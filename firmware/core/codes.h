/* codes.h - what coded inputs say: the value tables of the bus file that the modules ask for, once (bus_receive.c holds
 * them against it). */
#ifndef CODES_H
#define CODES_H

#define ENGINE_STOPPED 0U
#define ENGINE_CRANKING 1U
#define ENGINE_RUNNING 2U

#define IGNITION_OFF 0U
#define IGNITION_ON 1U

#define KILL_SWITCH_RUN 0U
#define KILL_SWITCH_STOP 1U

#define FAN_SWITCH_AUTO 0U
#define FAN_SWITCH_ALL_ON 1U

#define FLIGHT_SWITCH_OFF 0U

#define LOCK_UP_LOCKED 2U

#define GEAR_NEUTRAL 0U
#define GEAR_REVERSE 9U
#define GEAR_PARK 10U

#endif
