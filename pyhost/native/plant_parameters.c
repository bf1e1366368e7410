#include "plant_parameters.h"

#include <stddef.h>

#define UNWRAP(...) __VA_ARGS__

/* clang-format off */
const plant_parameters_t plant_default = {
#define PLANT(name, unit, low, high, value, meaning, source) .name = (value),
#define PLANT_ARRAY(name, count, unit, low, high, values, meaning, source) .name = {UNWRAP values},
#include "plant_parameters.def"
#undef PLANT
#undef PLANT_ARRAY
};

const plant_row_t plant_row[] = {
#define PLANT(name, unit, low, high, value, meaning, source)                                                \
    {#name, unit, (low), (high), meaning, source, (uint32_t)(offsetof(plant_parameters_t, name) / sizeof(double)), 1U},
#define PLANT_ARRAY(name, count, unit, low, high, values, meaning, source)                                  \
    {#name, unit, (low), (high), meaning, source, (uint32_t)(offsetof(plant_parameters_t, name) / sizeof(double)), count},
#include "plant_parameters.def"
#undef PLANT
#undef PLANT_ARRAY
};
/* clang-format on */
const uint32_t plant_rows = (uint32_t)(sizeof(plant_row) / sizeof(plant_row[0]));
