/* plant_driveline.h - engine, converter, gears, shafts and wheels: from a torque command to traction.
 *
 * Inertias in a row: engine, turbine, output (at the speed of the wheels), four wheels. Engine and turbine are tied by
 * the lock-up clutch or joined by the converter; turbine and output are tied by the gear or joined by the clutch that
 * slips while it is changed; output and wheels are joined by half-shafts with lash. A clutch that slips locks when its
 * slip changes sign; a lock-up clutch that is asked for more than it can hold slips.
 */
#ifndef PLANT_DRIVELINE_H
#define PLANT_DRIVELINE_H

#include "plant_body.h"
#include "plant_parameters.h"

#define PLANT_GEARS 8U
#define PLANT_CURVE_POINTS 5U

/* For the host, which sees no macros. */
enum {
    PLANT_GEARS_COUNT = PLANT_GEARS
};

#define PLANT_GEAR_NEUTRAL 0U
#define PLANT_GEAR_REVERSE 9U
#define PLANT_GEAR_PARK 10U

typedef enum {
    PLANT_ENGINE_STOPPED = 0,
    PLANT_ENGINE_CRANKING,
    PLANT_ENGINE_RUNNING
} plant_engine_t;

/* What engine and gearbox are told, and by whom. */
typedef struct {
    double   granted_Nm; /* fast path: spark */
    double   air_path_Nm;
    double   brake_ratio; /* the driver's foot */
    double   pedal_ratio; /* for the gearbox's own choice of gear */
    double   power_W;     /* what restrictor and air allow */
    double   fuel_ratio;  /* torque that the rail pressure leaves */
    uint32_t is_cut;
    uint32_t is_shift_inhibited;
    uint32_t wanted_gear; /* 0: the gearbox chooses among the forward gears */
    uint32_t is_low_range;
    uint32_t engine; /* plant_engine_t */
} plant_command_t;

typedef struct {
    /* state */
    double   engine_radps;
    double   turbine_radps;
    double   output_radps;
    double   wheel_radps[PLANT_CORNERS];
    double   twist_rad;          /* of the half-shafts, mean of all four, lash included */
    double   centre_twist_rad;   /* front against rear */
    double   axle_twist_rad[2];  /* left against right */
    double   air_Nm;             /* what the air path would give with full spark */
    double   engine_Nm;          /* at the crank */
    double   lock_up_Nm;         /* present capacity of the lock-up clutch */
    double   brake_ratio;        /* after its lag */
    double   shift_s;            /* since this shift began */
    double   since_shift_s;      /* since the last one ended */
    uint32_t gear;
    uint32_t target_gear;
    uint32_t ratio_gear;       /* whose ratio turns */
    uint32_t is_locked;        /* converter */
    uint32_t is_engaged;       /* gear */
    uint32_t reserved;
    /* of the last step */
    double ratio;              /* turbine over output */
    double shaft_Nm;           /* sum of the half-shafts */
    double shaft_loss_W;
    double differential_loss_J; /* since the start */
    double converter_Nm;       /* torque into the turbine */
    double gear_loss_W;
    double clutch_loss_W;
    double brake_loss_W;
    double slip_loss_W;
    double turbine_Nm;         /* through the gear clutch */
} plant_driveline_t;

/* What follows from the parameters and the length of a step, so that no step divides by it again. */
typedef struct {
    double dt_s;
    double per_dt;       /* 1/s */
    double curve_Nmprpm[PLANT_CURVE_POINTS - 1U];
    double per_drag_rpm; /* over the speeds in which engine braking comes */
    double spark_share;  /* of the way to its goal that a lag goes in a step */
    double air_rise_share;
    double air_fall_share;
    double brake_share;
    double centre_rad; /* at which a differential begins to slip */
    double axle_rad;
    double half_lash_rad;
} plant_rates_t;

void plant_driveline_prepare(plant_rates_t *rates, const plant_parameters_t *p, double dt_s);

/* All that turns rolls with the ground in a gear, or stands. */
void plant_driveline_roll(plant_driveline_t *line, const plant_parameters_t *p, uint32_t gear, double speed_mps);

/* What a step of the driveline looks at. */
typedef struct {
    const plant_parameters_t *p;
    const plant_command_t    *command;
    const plant_body_t       *body;
    const terrain_surface_t  *surface;
    const plant_rates_t      *rates;
} plant_context_t;

/* One step. Writes the mean traction of each tyre over it. */
void plant_driveline_step(plant_driveline_t *line, double traction_N[PLANT_CORNERS], const plant_context_t *in);

/* Full-load torque at a speed, without restrictor. */
double plant_full_load_Nm(const plant_parameters_t *p, double engine_radps);

/* Overall ratio of a gear, 0 where nothing is driven. */
double plant_ratio(const plant_parameters_t *p, uint32_t gear, uint32_t is_low_range);

#endif
