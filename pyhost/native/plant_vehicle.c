#include "plant_vehicle.h"

#include "plant_maths.h"

#define TICK_S 0.001
#define SLOW_TICKS 10U /* heat and fuel */
#define HEAT_PHASE 3U
#define FUEL_PHASE 7U
#define LOAD_TICKS 100U
#define PRESSURE_KPAPM 0.0113
#define RAIL_DEAD_RATIO 0.3 /* of the rail's set pressure: no torque below */
#define RAIL_GOOD_RATIO 0.8
#define OVER_RAD 1.1
#define GEAR_FROM_RPM 4500.0

static uint32_t start_gear(const plant_parameters_t *p, double speed_mps)
{
    uint32_t gear = 1U;

    while ((gear < PLANT_GEARS) &&
           ((speed_mps / p->radius_m * plant_ratio(p, gear, 0U)) > (GEAR_FROM_RPM * PLANT_RADPS_PER_RPM))) {
        gear++;
    }
    return gear;
}

void plant_vehicle_init(plant_vehicle_t *vehicle, const plant_parameters_t *p, const terrain_t *terrain,
                        const plant_start_t *start)
{
    const uint32_t gear = (start->gear != 0U) ? start->gear : start_gear(p, start->speed_mps);

    memset(vehicle, 0, sizeof(*vehicle));
    vehicle->p            = *p;
    vehicle->terrain      = *terrain;
    vehicle->ambient      = start->ambient;
    vehicle->dust_factor  = start->dust_factor;
    vehicle->steps_per_ms = 1U;
    vehicle->air_kgpm3    = plant_air_kgpm3(&start->ambient);
    plant_fuel_init(&vehicle->fuel, p, start->fuel_L, start->filter_dust_kg);
    plant_heat_init(&vehicle->heat, p, &start->ambient, start->coolant_degC, start->blocked_ratio);
    plant_body_load(&vehicle->body, p, plant_fuel_kg(&vehicle->fuel, p));
    plant_body_stand(&vehicle->body, p, terrain, start->x_m, start->speed_mps);
    plant_driveline_roll(&vehicle->line, p, gear, start->speed_mps);
    vehicle->command = (plant_command_t){
        .power_W    = vehicle->fuel.power_W,
        .fuel_ratio = 1.0,
        .engine     = (start->is_running != 0U) ? PLANT_ENGINE_RUNNING : PLANT_ENGINE_STOPPED,
    };
    if (start->is_running == 0U) {
        plant_driveline_roll(&vehicle->line, p, PLANT_GEAR_PARK, 0.0);
        vehicle->line.engine_radps   = 0.0;
        vehicle->command.wanted_gear = PLANT_GEAR_PARK;
    }
}

/* ---- energy */

static double strut_elastic_N(const plant_body_t *body, const plant_parameters_t *p, uint32_t i)
{
    const double in_m  = body->compression_m[i];
    double       force = plant_max(0.0, body->preload_N[i >> 1] + (p->spring_Npm[i >> 1] * in_m));

    force += p->stop_Npm * plant_max(0.0, in_m - p->bump_travel_m);
    force -= p->stop_Npm * plant_max(0.0, -in_m - p->droop_travel_m);
    return force;
}

static double anti_roll_N(const plant_body_t *body, const plant_parameters_t *p, uint32_t i)
{
    const uint32_t left  = i & ~1U;
    const double   twist = 0.5 * (body->compression_m[left] - body->compression_m[left + 1U]);

    return ((i & 1U) != 0U) ? -(p->anti_roll_Npm[i >> 1] * twist) : (p->anti_roll_Npm[i >> 1] * twist);
}

/* Power lost in dampers and tyres: what a force does beyond its elastic part. */
static double damper_loss_W(const plant_body_t *body, const plant_parameters_t *p)
{
    double loss_W = 0.0;

    for (uint32_t i = 0U; i < PLANT_CORNERS; i++) {
        const double elastic_N = strut_elastic_N(body, p, i) + anti_roll_N(body, p, i);
        const double in_mps    = (body->slope[i] * body->speed_mps) - body->wheel_mps[i];
        const double tyre_N    = p->tyre_Npm * plant_max(0.0, body->ground_m[i] - body->wheel_m[i]);

        loss_W += (body->strut_N[i] - elastic_N) * body->compression_mps[i];
        loss_W += (body->load_N[i] - tyre_N) * in_mps;
    }
    return loss_W;
}

static void account(plant_vehicle_t *vehicle, const plant_push_t *push, double dt_s)
{
    plant_ledger_t          *ledger  = &vehicle->ledger;
    const plant_body_t      *body    = &vehicle->body;
    const plant_driveline_t *line    = &vehicle->line;
    const double             total   = body->sprung_kg + (PLANT_CORNERS * vehicle->p.unsprung_kg);
    const double             along_N = (body->accel_mps2 * total) + body->resist_N;

    ledger->engine_J += line->engine_Nm * line->engine_radps * dt_s;
    ledger->clutch_J += line->clutch_loss_W * dt_s;
    ledger->gear_J += line->gear_loss_W * dt_s;
    ledger->shaft_J += line->shaft_loss_W * dt_s;
    ledger->differential_J = line->differential_loss_J;
    ledger->brake_J += line->brake_loss_W * dt_s;
    ledger->slip_J += line->slip_loss_W * dt_s;
    ledger->damper_J += damper_loss_W(body, &vehicle->p) * dt_s;
    ledger->resist_J += body->resist_N * body->speed_mps * dt_s;
    ledger->lever_J += ((vehicle->p.height_m * along_N) + push->wheels_Nm) * body->pitch_radps * dt_s;
}

static double spring_energy_J(const plant_body_t *body, const plant_parameters_t *p)
{
    double energy_J = 0.0;

    for (uint32_t i = 0U; i < PLANT_CORNERS; i++) {
        const double in_m   = body->compression_m[i];
        const double k_Npm  = p->spring_Npm[i >> 1];
        const double load_N = plant_max(0.0, body->preload_N[i >> 1] + (k_Npm * in_m));
        const double bump_m = plant_max(0.0, in_m - p->bump_travel_m);
        const double out_m  = plant_max(0.0, -in_m - p->droop_travel_m);
        const double tyre_m = plant_max(0.0, body->ground_m[i] - body->wheel_m[i]);

        energy_J += (0.5 * load_N * load_N / k_Npm) + (0.5 * p->stop_Npm * ((bump_m * bump_m) + (out_m * out_m)));
        energy_J += (0.5 * p->tyre_Npm * tyre_m * tyre_m) + (0.5 * anti_roll_N(body, p, i) * in_m);
    }
    return energy_J;
}

static double body_energy_J(const plant_body_t *body, const plant_parameters_t *p)
{
    const double total_kg = body->sprung_kg + (PLANT_CORNERS * p->unsprung_kg);
    double       energy_J = 0.5 * total_kg * body->speed_mps * body->speed_mps;

    energy_J += 0.5 * body->sprung_kg * body->z_mps * body->z_mps;
    energy_J += 0.5 * body->pitch_kgm2 * body->pitch_radps * body->pitch_radps;
    energy_J += 0.5 * body->roll_kgm2 * body->roll_radps * body->roll_radps;
    energy_J += body->sprung_kg * PLANT_GRAVITY_MPS2 * body->z_m;
    for (uint32_t i = 0U; i < PLANT_CORNERS; i++) {
        energy_J += 0.5 * p->unsprung_kg * body->wheel_mps[i] * body->wheel_mps[i];
        energy_J += p->unsprung_kg * PLANT_GRAVITY_MPS2 * body->wheel_m[i];
    }
    return energy_J;
}

static double line_energy_J(const plant_driveline_t *line, const plant_parameters_t *p)
{
    const double half     = p->lash_deg * PLANT_PI / 360.0;
    const double wound    = plant_max(0.0, plant_abs(line->twist_rad) - half);
    double       energy_J = 0.5 * p->engine_kgm2 * line->engine_radps * line->engine_radps;

    energy_J += 0.5 * p->turbine_kgm2 * line->turbine_radps * line->turbine_radps;
    energy_J += 0.5 * p->output_kgm2 * line->output_radps * line->output_radps;
    energy_J += 0.5 * p->shaft_Nmprad * ((wound * wound) + (line->centre_twist_rad * line->centre_twist_rad));
    energy_J += 0.25 * p->shaft_Nmprad * line->axle_twist_rad[0] * line->axle_twist_rad[0];
    energy_J += 0.25 * p->shaft_Nmprad * line->axle_twist_rad[1] * line->axle_twist_rad[1];
    for (uint32_t i = 0U; i < PLANT_CORNERS; i++) {
        energy_J += 0.5 * p->wheel_kgm2 * line->wheel_radps[i] * line->wheel_radps[i];
    }
    return energy_J;
}

double plant_vehicle_energy_J(const plant_vehicle_t *vehicle)
{
    return body_energy_J(&vehicle->body, &vehicle->p) + spring_energy_J(&vehicle->body, &vehicle->p) +
           line_energy_J(&vehicle->line, &vehicle->p);
}

/* ---- a millisecond */

static void find_piece(plant_vehicle_t *vehicle)
{
    const double front_m = vehicle->body.x_m + vehicle->body.corner_m[0];

    while (((vehicle->piece + 1U) < vehicle->terrain.pieces) && (front_m >= vehicle->terrain.end_m[vehicle->piece])) {
        vehicle->piece++;
    }
}

/* Tyres touch, the driveline turns, then the body moves. */
static void step(plant_vehicle_t *vehicle)
{
    const terrain_piece_t *here         = plant_vehicle_here(vehicle);
    plant_body_t          *body         = &vehicle->body;
    const double          *w            = vehicle->line.wheel_radps;
    const plant_rates_t   *rate         = &vehicle->rates;
    const plant_context_t  in           = {&vehicle->p, &vehicle->command, body, &here->surface, rate};
    const double           before_radps = w[0] + w[1] + w[2] + w[3];
    plant_push_t           push;

    plant_body_touch(body, &vehicle->p, &vehicle->terrain);
    plant_driveline_step(&vehicle->line, push.traction_N, &in);
    push.wheels_Nm      = vehicle->p.wheel_kgm2 * ((w[0] + w[1] + w[2] + w[3]) - before_radps) * rate->per_dt;
    vehicle->traction_N = push.traction_N[0] + push.traction_N[1] + push.traction_N[2] + push.traction_N[3];
    plant_body_step(body, &vehicle->p, here, &push, (const double[2]){rate->dt_s, vehicle->air_kgpm3});
    if (vehicle->has_ledger != 0U) {
        account(vehicle, &push, rate->dt_s);
    }
}

static plant_ambient_t ambient_here(const plant_vehicle_t *vehicle)
{
    plant_ambient_t ambient = vehicle->ambient;

    ambient.kPa -= PRESSURE_KPAPM * vehicle->body.z_m;
    return ambient;
}

static void tick_heat(plant_vehicle_t *vehicle)
{
    const plant_ambient_t    ambient = ambient_here(vehicle);
    const plant_driveline_t *line    = &vehicle->line;
    plant_heat_load_t        load    = {
        .brake_W          = line->engine_Nm * line->engine_radps,
        .engine_rpm       = line->engine_radps * PLANT_RPM_PER_RADPS,
        .speed_mps        = vehicle->body.speed_mps,
        .gear_loss_W      = plant_abs(line->gear_loss_W) + plant_abs(line->clutch_loss_W),
        .pump_duty        = (vehicle->faults.is_coolant_pump_dead != 0U) ? 0.0 : vehicle->pump_duty,
        .dust_kgpm3       = vehicle->terrain.piece[vehicle->piece].surface.dust_kgpm3 * vehicle->dust_factor,
        .is_cranking      = (vehicle->command.engine == PLANT_ENGINE_CRANKING) ? 1U : 0U,
        .is_running       = (vehicle->command.engine == PLANT_ENGINE_RUNNING) ? 1U : 0U,
        .open_fan_mask    = vehicle->faults.open_fan_mask,
        .stalled_fan_mask = vehicle->faults.stalled_fan_mask,
    };

    for (uint32_t i = 0U; i < PLANT_FANS; i++) {
        load.fan_duty[i] = vehicle->fan_duty[i];
    }
    plant_heat_step(&vehicle->heat, &vehicle->p, &ambient, &load, SLOW_TICKS * TICK_S);
}

static void tick_fuel(plant_vehicle_t *vehicle)
{
    const plant_ambient_t   ambient = ambient_here(vehicle);
    const plant_body_t     *body    = &vehicle->body;
    const double            up_mps2 = body->z_mps2 + PLANT_GRAVITY_MPS2;
    const plant_fuel_load_t load    = {
        .engine_Nm    = vehicle->line.engine_Nm,
        .engine_radps = vehicle->line.engine_radps,
        .force_mps2 = {body->accel_mps2 - (up_mps2 * body->pitch_rad), body->lateral_mps2 + (up_mps2 * body->roll_rad),
                       up_mps2},
        .dust_kgpm3 = vehicle->terrain.piece[vehicle->piece].surface.dust_kgpm3 * vehicle->dust_factor,
        .duct_kPa   = vehicle->faults.duct_kPa,
        .is_running = (vehicle->command.engine == PLANT_ENGINE_RUNNING) ? 1U : 0U,
        .is_lift_pump_dead  = vehicle->faults.is_lift_pump_dead,
        .is_filter_bypassed = vehicle->faults.is_filter_bypassed,
    };

    plant_fuel_step(&vehicle->fuel, &vehicle->p, &ambient, &load, SLOW_TICKS * TICK_S);
    vehicle->command.power_W    = vehicle->fuel.power_W;
    vehicle->command.fuel_ratio = plant_fraction(vehicle->fuel.rail_ratio, RAIL_DEAD_RATIO, RAIL_GOOD_RATIO);
}

void plant_vehicle_tick(plant_vehicle_t *vehicle)
{
    const uint32_t phase = vehicle->tick % SLOW_TICKS;

    if ((vehicle->tick % LOAD_TICKS) == 0U) {
        plant_body_load(&vehicle->body, &vehicle->p, plant_fuel_kg(&vehicle->fuel, &vehicle->p));
        plant_driveline_prepare(&vehicle->rates, &vehicle->p, TICK_S / (double)vehicle->steps_per_ms);
    }
    find_piece(vehicle);
    for (uint32_t i = 0U; i < vehicle->steps_per_ms; i++) {
        step(vehicle);
    }
    if (phase == HEAT_PHASE) {
        tick_heat(vehicle);
    } else if (phase == FUEL_PHASE) {
        tick_fuel(vehicle);
    } else {
        /* fast alone */
    }
    vehicle->is_airborne = plant_body_is_airborne(&vehicle->body);
    if ((plant_abs(vehicle->body.pitch_rad) > OVER_RAD) || (plant_abs(vehicle->body.roll_rad) > OVER_RAD)) {
        vehicle->is_over = 1U;
    }
    vehicle->tick++;
}
