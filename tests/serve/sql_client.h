// The engines' own client libraries, as any program of a tenant uses them.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

namespace slipway::testing {

struct Login {
    std::string engine;  // "postgres" or "mysql"
    std::uint16_t port = 0;
    std::string user;
    std::string password;
    std::string database;
};

// The first value of the last statement's answer, "" where it has none; nullopt where the login or a statement
// fails, with `why` saying it. On the loopback address.
std::optional<std::string> ask_sql(const Login& login, const std::string& statements, std::string* why = nullptr);

}  // namespace slipway::testing
