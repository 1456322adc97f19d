#include "providers/databases/errors.h"

#include <algorithm>
#include <array>

#include "providers/provider_error.h"
#include "providers/sql/server_tls.h"

namespace slipway::databases {
namespace {

bool any_of(std::string_view code, std::initializer_list<std::string_view> starts) {
    return std::ranges::any_of(starts, [&](std::string_view each) { return code.starts_with(each); });
}

// By SQLSTATE: five characters, of which the first two are its class.
ErrorClass postgres_class(std::string_view state) {
    // duplicate object, duplicate database, unique violation (two at once)
    if (any_of(state, {"42710", "42P04", "23505"})) return ErrorClass::conflict;
    // insufficient privilege and wrong statements, wrong values, what the server cannot do, files that it lacks
    if (any_of(state, {"42", "22", "0A", "58P01"})) return ErrorClass::permanent;
    // disk, memory and connections (53), locks and things in use (55), cancelled or shutting down (57), rollbacks
    // (40), the system (58), dependent objects (2B), the server's own faults (XX), and what nobody knows.
    return ErrorClass::transient;
}

bool is_in(std::string_view code, std::initializer_list<std::string_view> codes) {
    return std::ranges::find(codes, code) != codes.end();
}

ErrorClass mysql_class(std::string_view number) {
    // database exists, duplicate entry, user exists
    if (is_in(number, {"1007", "1062", "1396"})) return ErrorClass::conflict;
    // privileges, syntax, and names that it does not take
    if (is_in(number, {"1044", "1045", "1059", "1064", "1102", "1142", "1227", "1470", "1524"})) {
        return ErrorClass::permanent;
    }
    // disk (1006, 1021, 1114), memory (1037, 1038, 1041), locks (1205, 1213), read-only (1290, 1836), limits of
    // time (1969, 3024), and what nobody knows.
    return ErrorClass::transient;
}

}  // namespace

ProviderError permanent(std::string_view message) {
    return provider_error(ErrorClass::permanent, std::string(message));
}
ProviderError transient(std::string_view message) {
    return provider_error(ErrorClass::transient, std::string(message));
}

ProviderError error_of(const sql::SqlError& error, bool touched) {
    switch (error.failure) {
        case sql::Failure::timeout:
        case sql::Failure::lost:
            return provider_error(touched ? ErrorClass::unknown_outcome : ErrorClass::transient, error.message);
        case sql::Failure::refused:
        case sql::Failure::starting:
        case sql::Failure::too_many_connections: return provider_error(ErrorClass::transient, error.message);
        // Its password may be changing just now.
        case sql::Failure::denied:
            // It is given the right one as soon as it is looked at.
            if (error.code == sql::kOtherCertificate) return provider_error(ErrorClass::transient, error.message);
            return provider_error(ErrorClass::transient, "the database server denied the management login");
        case sql::Failure::invalid: return provider_error(ErrorClass::permanent, error.message);
        case sql::Failure::refused_by_server: break;
    }
    constexpr std::size_t kStateSize = 5;
    const ErrorClass found = error.code.size() == kStateSize ? postgres_class(error.code) : mysql_class(error.code);
    // The limit of its time stopped it: what came before it has happened.
    const bool stopped = is_in(error.code, {"57014", "1969", "3024"});
    return provider_error(stopped && touched ? ErrorClass::unknown_outcome : found, error.message);
}

}  // namespace slipway::databases
