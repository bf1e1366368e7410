#include "simulator.h"

#include "bus_codec.h"
#include "plant_maths.h"
#include "run_digest.h"
#include "unit.h"

#include <string.h>

#define FRAME_BYTES 8U
#define NEVER UINT32_MAX
#define HOP_TICKS 10U           /* a shorter time without contact is no flight */
#define LANDING_TICKS 500U      /* in which a landing's peaks are looked for */
#define OVER_TICKS 1500U        /* after which a landing is over */
#define REDUCED_RATIO 0.9
#define LONGEST_SILENCE_TICKS 1000U /* in which an end is waited for */
#define LEAST_DEMAND_Nm 50.0    /* less is not worth a cut */
#define FREE_FALL_MPS2 (0.2 * PLANT_GRAVITY_MPS2)
#define FREE_FALL_TICKS 300U
#define FANS_ON_DEGC 95.0
#define FANS_OFF_DEGC 91.0
#define BAND_LOW_DEGC 80.0 /* of the coolant: the thermostat begins to open */
#define BAND_HIGH_DEGC 108.0 /* and torque begins to be taken */

void simulator_init(simulator_t *simulator, const plant_vehicle_t *vehicle, const driver_t *driver,
                    const sensors_t *sensors)
{
    memset(simulator, 0, sizeof(*simulator));
    simulator->vehicle                  = *vehicle;
    simulator->driver                   = *driver;
    simulator->sensors                  = *sensors;
    simulator->summary.battery_least_V  = 100.0F;
    simulator->summary.rail_least_ratio = 1.0F;
    simulator->run_digest               = DIGEST_SEED;
}

/* ---- what the unit says */

static void take_torque(simulator_t *simulator, const can_frame_t *frame)
{
    plant_command_t                  *told = &simulator->vehicle.command;
    struct bus_codec_torque_command_t m;

    (void)bus_codec_torque_command_unpack(&m, frame->data, FRAME_BYTES);
    simulator->granted_Nm    = (double)bus_codec_torque_command_granted_torque_nm_decode(m.granted_torque_nm);
    simulator->demand_Nm     = (double)bus_codec_torque_command_demand_torque_nm_decode(m.demand_torque_nm);
    simulator->limit_reason  = m.limit_reason;
    simulator->silent_ticks  = 0U;
    told->granted_Nm         = simulator->granted_Nm;
    told->air_path_Nm        = (double)bus_codec_torque_command_air_path_torque_nm_decode(m.air_path_torque_nm);
    told->is_cut             = m.engine_cut;
    told->is_shift_inhibited = m.shift_inhibit;
}

/* What a fan's own electronics make of a duty: stopped, or a share of the supply. */
static double fan_share(const plant_parameters_t *p, float duty_pct)
{
    const double duty = (double)duty_pct * 0.01;
    const double more = plant_fraction(duty, p->fan_start_ratio, p->fan_full_ratio);

    return (duty < p->fan_start_ratio) ? 0.0 : (p->fan_slow_ratio + ((1.0 - p->fan_slow_ratio) * more));
}

static void take_cooling(simulator_t *simulator, const can_frame_t *frame)
{
    const plant_parameters_t          *p    = &simulator->vehicle.p;
    double                            *duty = simulator->vehicle.fan_duty;
    struct bus_codec_cooling_command_t m;

    (void)bus_codec_cooling_command_unpack(&m, frame->data, FRAME_BYTES);
    duty[0]                      = fan_share(p, bus_codec_cooling_command_fan1_duty_pct_decode(m.fan1_duty_pct));
    duty[1]                      = fan_share(p, bus_codec_cooling_command_fan2_duty_pct_decode(m.fan2_duty_pct));
    duty[2]                      = fan_share(p, bus_codec_cooling_command_fan3_duty_pct_decode(m.fan3_duty_pct));
    duty[3]                      = fan_share(p, bus_codec_cooling_command_fan4_duty_pct_decode(m.fan4_duty_pct));
    simulator->vehicle.pump_duty = (double)bus_codec_cooling_command_pump_duty_pct_decode(m.pump_duty_pct) * 0.01;
}

void simulator_take(simulator_t *simulator, const can_frame_t *frame)
{
    if (frame->id == BUS_CODEC_TORQUE_COMMAND_FRAME_ID) {
        take_torque(simulator, frame);
    } else if ((frame->id == BUS_CODEC_COOLING_COMMAND_FRAME_ID) && (simulator->has_simple_fans == 0U)) {
        take_cooling(simulator, frame);
    } else if (frame->id == BUS_CODEC_FLIGHT_STATUS_FRAME_ID) {
        struct bus_codec_flight_status_t m;

        (void)bus_codec_flight_status_unpack(&m, frame->data, FRAME_BYTES);
        simulator->flight_state = m.flight_state;
    } else {
        /* of no concern to the car */
    }
}

/* ---- the simpler control, for comparison: it sees what the inertial unit says */

static void cut_on_free_fall(simulator_t *simulator)
{
    const double *said    = &simulator->sensors.value[SENSORS_AT_specific_force_x_mps2];
    const double  norm2   = (said[0] * said[0]) + (said[1] * said[1]) + (said[2] * said[2]);
    const bool    is_free = norm2 < (FREE_FALL_MPS2 * FREE_FALL_MPS2);

    simulator->low_force_ticks = is_free ? (simulator->low_force_ticks + 1U) : 0U;
    if (simulator->low_force_ticks >= FREE_FALL_TICKS) {
        simulator->vehicle.command.is_cut = 1U;
    }
}

/* The simpler fans: all of them, by what the coolant's sensor says. */
static void switch_fans(simulator_t *simulator)
{
    const double coolant_degC = simulator->sensors.value[SENSORS_AT_coolant_in_deg_c];
    double      *duty         = simulator->vehicle.fan_duty;
    const double wanted = (coolant_degC >= FANS_ON_DEGC) ? 1.0 : ((coolant_degC <= FANS_OFF_DEGC) ? 0.0 : duty[0]);

    for (uint32_t i = 0U; i < PLANT_FANS; i++) {
        duty[i] = wanted;
    }
    simulator->vehicle.pump_duty = 1.0;
}

/* ---- flights, written down as they happen */

static simulator_flight_t *current(simulator_t *simulator)
{
    const uint32_t last = simulator->summary.kept - 1U;

    return &simulator->summary.flight[(last < SIMULATOR_FLIGHTS) ? last : (SIMULATOR_FLIGHTS - 1U)];
}

static bool is_by_flight_mode(const simulator_t *simulator)
{
    const uint32_t reason = simulator->limit_reason;

    return (reason >= BUS_CODEC_TORQUE_COMMAND_LIMIT_REASON_FLIGHT_SUSPECT_CHOICE) &&
           (reason <= BUS_CODEC_TORQUE_COMMAND_LIMIT_REASON_FLIGHT_RAMP_CHOICE);
}

static bool is_reduced(const simulator_t *simulator)
{
    return is_by_flight_mode(simulator) && (simulator->demand_Nm > LEAST_DEMAND_Nm) &&
           (simulator->granted_Nm < (REDUCED_RATIO * simulator->demand_Nm));
}

/* Full throttle, steady, in this gear at this speed. */
static double drive_shaft_Nm(const plant_vehicle_t *vehicle)
{
    const plant_parameters_t *p     = &vehicle->p;
    const double              ratio = plant_ratio(p, vehicle->line.gear, vehicle->command.is_low_range);
    const double              radps = plant_max(vehicle->body.speed_mps / p->radius_m * ratio, 80.0);

    return plant_min(plant_full_load_Nm(p, radps), vehicle->command.power_W / radps) * ratio * p->efficiency_ratio;
}

static void take_off(simulator_t *simulator)
{
    const plant_vehicle_t *vehicle = &simulator->vehicle;

    if (simulator->is_held != 0U) { /* the flight was seen coming: that is no false alarm */
        simulator->summary.interventions--;
        simulator->summary.intervention_ticks -= simulator->held_ticks;
        simulator->is_held = 0U;
    }
    simulator->is_flying = 1U;
    if (simulator->summary.kept < SIMULATOR_FLIGHTS) {
        simulator->summary.kept++;
        *current(simulator) = (simulator_flight_t){
            .take_off_tick  = vehicle->tick,
            .touchdown_tick = NEVER,
            .reduced_tick   = NEVER,
            .air_tick       = NEVER,
            .landing_tick   = NEVER,
            .restored_tick  = NEVER,
            .piece          = vehicle->piece,
            .speed_mps      = (float)vehicle->body.speed_mps,
            .gear           = (float)vehicle->line.gear,
        };
    }
}

static void touch_down(simulator_t *simulator)
{
    const plant_vehicle_t *vehicle = &simulator->vehicle;
    const double          *w       = vehicle->line.wheel_radps;
    simulator_flight_t    *flight  = current(simulator);

    flight->touchdown_tick = vehicle->tick;
    flight->drive_shaft_Nm = (float)drive_shaft_Nm(vehicle);
    flight->mismatch_ratio =
        (float)((0.25 * (w[0] + w[1] + w[2] + w[3]) * vehicle->p.radius_m / plant_max(vehicle->body.speed_mps, 1.0)) -
                1.0);
    simulator->is_flying             = 0U;
    simulator->since_touchdown_ticks = 0U;
    if ((vehicle->tick - flight->take_off_tick) < HOP_TICKS) {
        simulator->summary.kept--;
    } else {
        simulator->summary.flights++;
    }
}

static void watch_flight(simulator_t *simulator)
{
    simulator_flight_t *flight = current(simulator);
    const uint32_t      tick   = simulator->vehicle.tick;

    flight->peak_engine_rpm = (float)plant_max((double)flight->peak_engine_rpm,
                                               simulator->vehicle.line.engine_radps * PLANT_RPM_PER_RADPS);
    if ((flight->reduced_tick == NEVER) && is_reduced(simulator)) {
        flight->reduced_tick = tick;
    }
    if ((flight->air_tick == NEVER) && (simulator->flight_state == BUS_CODEC_FLIGHT_STATUS_FLIGHT_STATE_AIR_CHOICE)) {
        flight->air_tick = tick;
    }
}

static void watch_landing(simulator_t *simulator)
{
    simulator_flight_t    *flight  = current(simulator);
    const plant_vehicle_t *vehicle = &simulator->vehicle;
    const float            shaft   = (float)vehicle->line.shaft_Nm;
    const float            force   = (float)(vehicle->body.z_mps2 + PLANT_GRAVITY_MPS2);
    const uint32_t         state   = simulator->flight_state;

    if (simulator->since_touchdown_ticks <= LANDING_TICKS) {
        flight->peak_shaft_Nm   = (shaft > flight->peak_shaft_Nm) ? shaft : flight->peak_shaft_Nm;
        flight->least_shaft_Nm  = (shaft < flight->least_shaft_Nm) ? shaft : flight->least_shaft_Nm;
        flight->peak_force_mps2 = (force > flight->peak_force_mps2) ? force : flight->peak_force_mps2;
    }
    if ((flight->landing_tick == NEVER) && ((state == BUS_CODEC_FLIGHT_STATUS_FLIGHT_STATE_LANDING_CHOICE) ||
                                            (state == BUS_CODEC_FLIGHT_STATUS_FLIGHT_STATE_RAMP_CHOICE))) {
        flight->landing_tick = vehicle->tick;
    }
    if ((flight->restored_tick == NEVER) && !is_reduced(simulator)) {
        flight->restored_tick = vehicle->tick;
    }
}

static void watch_ground(simulator_t *simulator)
{
    const uint32_t is_held = is_reduced(simulator) ? 1U : 0U;

    simulator->summary.intervention_ticks += is_held;
    simulator->summary.interventions += is_held & (simulator->is_held ^ 1U);
    simulator->held_ticks = (is_held != 0U) ? (simulator->held_ticks + 1U) : 0U;
    simulator->is_held    = is_held;
}

static void watch(simulator_t *simulator)
{
    const plant_vehicle_t *vehicle     = &simulator->vehicle;
    const bool             is_airborne = vehicle->is_airborne != 0U;

    if (is_airborne && (simulator->is_flying == 0U)) {
        take_off(simulator);
    } else if (!is_airborne && (simulator->is_flying != 0U)) {
        touch_down(simulator);
    } else {
        /* as it was */
    }
    if (simulator->is_flying != 0U) {
        watch_flight(simulator);
    } else if ((simulator->summary.kept > 0U) && (simulator->since_touchdown_ticks < OVER_TICKS)) {
        watch_landing(simulator);
    } else {
        watch_ground(simulator);
    }
    simulator->since_touchdown_ticks++;
}

static void note_heat(simulator_t *simulator)
{
    const plant_heat_t  *heat    = &simulator->vehicle.heat;
    simulator_summary_t *summary = &simulator->summary;
    const bool           is_out  = (heat->coolant_degC < BAND_LOW_DEGC) || (heat->coolant_degC > BAND_HIGH_DEGC);
    const bool           is_hot  = simulator->limit_reason == BUS_CODEC_TORQUE_COMMAND_LIMIT_REASON_COOLANT_CHOICE;
    const float          coolant = (float)heat->coolant_degC;
    const float          supply  = (float)heat->supply_A;
    const float          fans    = (float)(heat->fan_A[0] + heat->fan_A[1] + heat->fan_A[2] + heat->fan_A[3]);
    const float          battery = (float)heat->battery_V;

    summary->coolant_max_degC = (coolant > summary->coolant_max_degC) ? coolant : summary->coolant_max_degC;
    summary->supply_max_A     = (supply > summary->supply_max_A) ? supply : summary->supply_max_A;
    summary->fan_max_A        = (fans > summary->fan_max_A) ? fans : summary->fan_max_A;
    summary->battery_least_V  = (battery < summary->battery_least_V) ? battery : summary->battery_least_V;
    summary->out_of_band_ticks += is_out ? 1U : 0U;
    summary->hot_limit_ticks += is_hot ? 1U : 0U;
}

static void note_extremes(simulator_t *simulator)
{
    const plant_vehicle_t *vehicle = &simulator->vehicle;
    simulator_summary_t   *summary = &simulator->summary;
    const float            shaft   = (float)plant_abs(vehicle->line.shaft_Nm);
    const float            rail    = (float)vehicle->fuel.rail_ratio;
    const float            speed   = (float)vehicle->body.speed_mps;
    const float            roll    = (float)plant_abs(vehicle->body.roll_rad);

    summary->peak_shaft_Nm    = (shaft > summary->peak_shaft_Nm) ? shaft : summary->peak_shaft_Nm;
    summary->rail_least_ratio = (rail < summary->rail_least_ratio) ? rail : summary->rail_least_ratio;
    summary->speed_max_mps    = (speed > summary->speed_max_mps) ? speed : summary->speed_max_mps;
    summary->roll_max_rad     = (roll > summary->roll_max_rad) ? roll : summary->roll_max_rad;
}

/* ---- a tick */

void simulator_before(simulator_t *simulator)
{
    plant_vehicle_t *vehicle = &simulator->vehicle;

    driver_tick(&simulator->driver, vehicle);
    plant_vehicle_tick(vehicle);
    simulator->frames = sensors_tick(&simulator->sensors, vehicle, &simulator->driver.said, simulator->frame);
    simulator->summary.frames += simulator->frames;
    if ((simulator->is_awake == 0U) && (simulator->frames > 0U)) {
        simulator->is_awake  = 1U;
        simulator->woke_tick = vehicle->tick;
    }
}

void simulator_after(simulator_t *simulator)
{
    plant_command_t *told = &simulator->vehicle.command;

    simulator->silent_ticks++;
    if ((double)simulator->silent_ticks > (1000.0 * simulator->vehicle.p.silence_s)) {
        told->granted_Nm  = 0.0;
        told->air_path_Nm = 0.0;
    }
    if (simulator->control == SIMULATOR_FREE_FALL_CUT) {
        cut_on_free_fall(simulator);
    }
    if (simulator->has_simple_fans != 0U) {
        switch_fans(simulator);
    }
    watch(simulator);
    note_heat(simulator);
    note_extremes(simulator);
    simulator->unit_ticks += simulator->is_awake;
}

void simulator_keep(const simulator_t *simulator, simulator_output_t *output)
{
    const uint32_t tick = simulator->unit_ticks - 1U;

    if (simulator->is_awake == 0U) {
        return;
    }
    for (uint32_t i = 0U;
         (output->frame != NULL) && (i < simulator->frames) && (output->frames < output->frame_capacity); i++) {
        output->frame[output->frames]      = simulator->frame[i];
        output->frame_tick[output->frames] = tick;
        output->frames++;
    }
    if ((output->truth != NULL) && ((tick % output->every_ticks) == 0U) &&
        (output->truth_rows < output->truth_capacity)) {
        simulator_truth(simulator, &output->truth[output->truth_rows], output->truth_capacity);
        output->truth_rows++;
    }
}

bool simulator_is_done(const simulator_t *simulator, uint32_t ticks)
{
    const bool is_over = (simulator->unit_ticks >= ticks) || (simulator->vehicle.is_over != 0U);

    return is_over && ((simulator->frames > 0U) || (simulator->vehicle.tick >= (ticks + LONGEST_SILENCE_TICKS)));
}

/* The unit in this process: the frames of the tick, the tick, and what it sends. */
static void run_unit(simulator_t *simulator, vcu_t *vcu)
{
    const uint32_t tick = simulator->unit_ticks;
    can_frame_t    sent;

    for (uint32_t i = 0U; i < simulator->frames; i++) {
        unit_receive(vcu, &simulator->frame[i]);
    }
    unit_tick(vcu);
    while (unit_transmit(vcu, &sent)) {
        simulator_take(simulator, &sent);
        simulator->run_digest = run_digest_frame(simulator->run_digest, tick, &sent);
    }
    if (run_digest_wants_state(tick)) {
        simulator->run_digest = digest_step(simulator->run_digest, unit_digest(vcu));
    }
}

void simulator_run(simulator_t *simulator, vcu_t *vcu, uint32_t ticks, simulator_output_t *output)
{
    while (!simulator_is_done(simulator, ticks)) {
        simulator_before(simulator);
        if (simulator->is_awake != 0U) {
            run_unit(simulator, vcu);
        }
        simulator_after(simulator);
        if (output != NULL) {
            simulator_keep(simulator, output);
        }
    }
}

/* ---- truth */

const simulator_column_t simulator_column[] = {
#define TRUTH(name, unit, expression, meaning) {#name, unit, meaning},
#include "truth.def"
#undef TRUTH
};

void simulator_truth(const simulator_t *simulator, float *row, uint32_t stride)
{
    const simulator_t       *s = simulator;
    const plant_vehicle_t   *v = &s->vehicle;
    const plant_driveline_t *l = &v->line;
    const plant_body_t      *b = &v->body;
    const plant_heat_t      *h = &v->heat;
    const plant_fuel_t      *f = &v->fuel;

#define TRUTH(name, unit, expression, meaning) row[(size_t)SIMULATOR_TRUTH_##name * stride] = (float)(expression);
#include "truth.def"
#undef TRUTH
}
