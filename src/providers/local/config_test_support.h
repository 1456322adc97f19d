// What the tests of the engines' configurations share: one resource on loopback.
#pragma once

#include "providers/local/engine.h"

namespace slipway::local {

inline const std::vector<std::string> kLoopback{"127.0.0.1", "::1"};

inline Target target() { return {InstallationId("ins"), ResourceId("res_1"), "oct-1", 3, "t", {}}; }

// With a tenant's password and the management's, each of which holds "canary".
inline Spec spec_of(std::string engine, Kind kind = Kind::cache) {
    Spec spec;
    spec.kind = kind;
    spec.engine = std::move(engine);
    spec.allocations = {{"port", 20'001}};
    spec.secrets = {{"password", Secret("tenant-canary")}, {"management_password", Secret("manager-canary")}};
    return spec;
}

// The content of the file of this name; "" where there is none.
inline std::string file(const Setup& setup, std::string_view name) {
    for (const agent::FileContent& each : setup.files) {
        if (each.file == name) return each.content;
    }
    return {};
}

}  // namespace slipway::local
