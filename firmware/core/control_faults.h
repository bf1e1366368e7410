/* control_faults.h - which condition of which module is which fault: the one place that knows both. */
#ifndef CONTROL_FAULTS_H
#define CONTROL_FAULTS_H

#include "control.h"

/* Between fault_begin() and fault_decide(): every condition, as it is in this tick. */
void control_report_faults(control_t *control, const vcu_calibration_t *cal);

#endif
