#include "plant_heat.h"

#include "plant_maths.h"

#define AIR_JPKGK 1006.0
#define AIR_JPKGK_GAS 287.05
#define STILL_MPS 0.3       /* natural draught: a face never stands quite still */
#define PUMP_LEAST 0.08     /* of full flow with the pump off: thermosiphon */
#define OIL_FRICTION_RPM 6000.0
#define ALTERNATOR_FULL 3.0 /* times idle speed */
#define REGULATOR_Ohm 0.0025
#define RADIATOR_S 0.0999 /* what it gives per kelvin changes with fans and speed, in tenths of a second */

double plant_air_kgpm3(const plant_ambient_t *ambient)
{
    return ambient->kPa * 1000.0 / (AIR_JPKGK_GAS * (ambient->degC + PLANT_KELVIN_AT_0_DEGC));
}

double plant_radiator_WpK(const plant_parameters_t *p, double face_mps, double blocked_ratio, double coolant_kgps,
                          double air_kgpm3)
{
    const double air_mps      = plant_max(face_mps, STILL_MPS) * (1.0 - (0.7 * blocked_ratio));
    const double air_WpK      = air_kgpm3 * air_mps * p->face_m2 * AIR_JPKGK;
    const double coolant_WpK  = plant_max(coolant_kgps, 0.001) * p->coolant_JpkgK;
    const double resistance   = (0.75 * plant_pow(air_mps / 6.0, -0.65)) +
                                (0.15 * plant_pow(plant_max(coolant_kgps, 0.001) / p->coolant_kgps, -0.8)) + 0.10;
    const double transfer_WpK = p->radiator_WpK * (1.0 - blocked_ratio) / resistance;
    const double smaller_WpK  = plant_min(air_WpK, coolant_WpK);
    const double units        = transfer_WpK / smaller_WpK;
    const double ratio        = smaller_WpK / plant_max(air_WpK, coolant_WpK);
    const double inner        = plant_exp(-ratio * plant_pow(units, 0.78)) - 1.0;

    return smaller_WpK * (1.0 - plant_exp(plant_pow(units, 0.22) / ratio * inner));
}

void plant_heat_init(plant_heat_t *heat, const plant_parameters_t *p, const plant_ambient_t *ambient,
                     double coolant_degC, double blocked_ratio)
{
    const double warm_K = plant_max(coolant_degC - ambient->degC, 0.0);

    *heat = (plant_heat_t){
        .coolant_degC     = coolant_degC,
        .coolant_out_degC = coolant_degC - (0.1 * warm_K),
        .oil_degC         = coolant_degC + (0.15 * warm_K),
        .gearbox_degC     = ambient->degC + (0.85 * warm_K),
        .charge_degC      = ambient->degC + p->bonnet_K,
        .blocked_ratio    = blocked_ratio,
        .battery_V        = p->battery_V,
        .charge_ratio     = 0.95,
    };
}

/* ---- supply: what the alternator cannot give the battery must */

static double wanted_A(const plant_heat_t *heat, const plant_parameters_t *p, const plant_heat_load_t *load)
{
    double total_A = (load->is_running != 0U) ? p->base_load_A : (0.3 * p->base_load_A);

    total_A += p->pump_A * load->pump_duty * load->pump_duty * load->pump_duty;
    total_A += (load->is_cranking != 0U) ? p->starter_A : 0.0;
    for (uint32_t i = 0U; i < PLANT_FANS; i++) {
        total_A += heat->fan_A[i];
    }
    return total_A;
}

static void step_supply(plant_heat_t *heat, const plant_parameters_t *p, const plant_heat_load_t *load, double dt_s)
{
    const double idle      = p->idle_rpm;
    const double speed     = plant_fraction(load->engine_rpm, idle, ALTERNATOR_FULL * idle);
    const double most_A    = (load->is_running != 0U)
                                 ? (p->alternator_idle_A + ((p->alternator_A - p->alternator_idle_A) * speed))
                                 : 0.0;
    const double resting_V = p->battery_V - (1.1 * (1.0 - heat->charge_ratio));
    const double load_A    = wanted_A(heat, p, load);
    const double given_V   = p->alternator_V - (REGULATOR_Ohm * load_A);
    const double drained_V = resting_V - (p->battery_Ohm * (load_A - most_A));
    const double volt      = plant_clamp(plant_min((most_A > 0.0) ? given_V : resting_V, drained_V), 5.0, 16.0);
    const double battery_A = (most_A > load_A) ? -plant_min(most_A - load_A, 25.0) : (load_A - most_A);

    heat->supply_A     = load_A;
    heat->battery_V    = (load_A < most_A) ? plant_clamp(given_V, 5.0, 16.0) : volt;
    heat->charge_ratio = plant_clamp(heat->charge_ratio - (battery_A * dt_s / (3600.0 * p->battery_Ah)), 0.0, 1.0);
}

/* ---- fans: brushed motors with their inertia; wind turns them too */

static void step_fan(plant_heat_t *heat, const plant_parameters_t *p, const plant_heat_load_t *load, uint32_t i,
                     double dt_s)
{
    const uint32_t bit     = 1U << i;
    const double   duty    = load->fan_duty[i];
    const double   radps   = heat->fan_radps[i];
    const double   wind    = p->fan_wind_radpm * p->ram_ratio * plant_max(load->speed_mps, 0.0);
    const double   volt    = duty * heat->battery_V;
    const double   blades  = p->fan_Nms2 * ((radps * radps) - (wind * wind));
    double         current = 0.0;

    if ((duty > 0.0) && ((load->open_fan_mask & bit) == 0U)) {
        current = plant_max(0.0, (volt - (p->fan_Vsprad * radps)) / p->fan_Ohm);
    }
    if ((load->stalled_fan_mask & bit) != 0U) {
        heat->fan_radps[i] = 0.0;
    } else {
        heat->fan_radps[i] = plant_max(0.0, radps + (((p->fan_Vsprad * current) - blades) / p->fan_kgm2 * dt_s));
    }
    heat->fan_A[i] = current * duty; /* from the supply: the chopper trades current for voltage */
    heat->fan_energy_J += heat->fan_A[i] * heat->battery_V * dt_s;
}

/* ---- heat */

static double face_mps(const plant_heat_t *heat, const plant_parameters_t *p, const plant_ambient_t *ambient,
                       const plant_heat_load_t *load)
{
    const double full_radps = 2800.0 * PLANT_RADPS_PER_RPM;
    const double ram_mps    = p->ram_ratio * plant_max(load->speed_mps - ambient->wind_mps, 0.0);
    const double wind_radps = p->fan_wind_radpm * ram_mps; /* a fan that the air turns moves none */
    double       speed      = 0.0;

    for (uint32_t i = 0U; i < PLANT_FANS; i++) {
        speed += plant_max(heat->fan_radps[i] - wind_radps, 0.0) / full_radps / (double)PLANT_FANS;
    }
    const double fan_mps = p->fan_air_mps * speed;

    return plant_sqrt((ram_mps * ram_mps) + (fan_mps * fan_mps));
}

static void step_oils(plant_heat_t *heat, const plant_parameters_t *p, const plant_ambient_t *ambient,
                      const plant_heat_load_t *load, double dt_s)
{
    const double rpm        = load->engine_rpm / OIL_FRICTION_RPM;
    const double oil_in_W   = (p->oil_heat_ratio * plant_max(load->brake_W, 0.0)) + (p->oil_drag_W * rpm * rpm);
    const double oil_out_W  = p->oil_WpK * (heat->oil_degC - heat->coolant_degC);
    const double gearbox_W  = p->gearbox_WpK + (p->gearbox_ram_WpKmps * heat->face_mps);
    const double gear_out_W = gearbox_W * (heat->gearbox_degC - ambient->degC - p->bonnet_K);
    const double charge_K   = p->charge_KpkW * plant_max(load->brake_W, 0.0) / 1000.0 *
                              plant_sqrt(2.0 / plant_max(heat->face_mps, 1.0));

    heat->oil_degC += (oil_in_W - oil_out_W) / p->oil_JpK * dt_s;
    heat->gearbox_degC += (load->gear_loss_W - gear_out_W) / p->gearbox_JpK * dt_s;
    heat->charge_degC = plant_lag(heat->charge_degC, ambient->degC + p->bonnet_K + charge_K, dt_s, p->charge_s);
}

void plant_heat_step(plant_heat_t *heat, const plant_parameters_t *p, const plant_ambient_t *ambient,
                     const plant_heat_load_t *load, double dt_s)
{
    for (uint32_t i = 0U; i < PLANT_FANS; i++) {
        step_fan(heat, p, load, i, dt_s);
    }
    step_supply(heat, p, load, dt_s);
    heat->face_mps = face_mps(heat, p, ambient, load);

    const double still    = plant_max(0.0, 1.0 - (plant_max(load->speed_mps - ambient->wind_mps, 0.0) / 25.0));
    const double air_degC = ambient->degC + (p->bonnet_K * still);
    const double open     = plant_max(plant_fraction(heat->coolant_degC, p->thermostat_degC, p->thermostat_full_degC),
                                      p->thermostat_leak_ratio);
    const double pump     = (load->is_running != 0U) || (load->pump_duty > 0.0) ? plant_max(load->pump_duty, PUMP_LEAST)
                                                                                : 0.01;
    const double flow     = p->coolant_kgps * open * pump;
    const double idle_W   = p->idle_heat_W * load->engine_rpm / p->idle_rpm * 0.35;
    const double in_W     = ((load->is_running != 0U) ? plant_max(idle_W, p->heat_ratio * load->brake_W) : 0.0) +
                            (p->oil_WpK * (heat->oil_degC - heat->coolant_degC));

    heat->radiator_s += dt_s;
    if ((heat->radiator_s >= RADIATOR_S) || (heat->radiator_WpK <= 0.0)) {
        heat->radiator_s   = 0.0;
        heat->radiator_WpK = plant_radiator_WpK(p, heat->face_mps, heat->blocked_ratio, flow, plant_air_kgpm3(ambient));
    }
    heat->radiator_W       = heat->radiator_WpK * (heat->coolant_degC - air_degC);
    heat->coolant_out_degC = heat->coolant_degC - (heat->radiator_W / (flow * p->coolant_JpkgK));
    heat->coolant_degC += (in_W - heat->radiator_W) / p->coolant_JpK * dt_s;
    step_oils(heat, p, ambient, load, dt_s);
    heat->blocked_ratio = plant_clamp(
        heat->blocked_ratio + (load->dust_kgpm3 * heat->face_mps * p->face_m2 * dt_s / p->fouling_kg), 0.0, 0.9);
}
