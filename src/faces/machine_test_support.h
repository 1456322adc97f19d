// Plans of machines, for tests of the faces that make them.
#pragma once

#include "faces/face_test_support.h"

namespace slipway::faces::test {

inline Catalog machine_catalog() {
    const auto plan = [](std::string engine, std::string name, std::int64_t cpus) {
        Plan made;
        made.kind = Kind::machine;
        made.engine = std::move(engine);
        made.name = std::move(name);
        made.title = "A machine";
        made.provider = "dummy";
        made.parameters = {{"image", "tiny"}, {"cpus", cpus}, {"memory", 128 << 20}, {"disk", 256 << 20}};
        made.password = false;
        made.price = Price{"EUR", 12'000};
        return made;
    };
    Plan cache;
    cache.engine = "redis";
    cache.name = "small";
    cache.title = "Small";
    cache.provider = "local";
    return Catalog({plan("vm", "tiny", 1), plan("vm", "big", 4), plan("container", "light", 1), std::move(cache)});
}

}  // namespace slipway::faces::test
