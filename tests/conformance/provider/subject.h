// A provider under test, with the world around it seen from outside: never through the provider itself.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <boost/asio/io_context.hpp>

#include "agent/testing.h"
#include "providers/provider.h"

namespace slipway::testing {

// Found in no place where a secret must not be.
inline const std::string kTenantCanary = "tenantCanary0123456789abcdefghijkl";
inline const std::string kManagementCanary = "managerCanary0123456789abcdefghijk";

class Subject {
  public:
    virtual ~Subject() = default;
    // Drops the provider with every connection, as a crash of the broker does, and makes a new one.
    virtual void crash() = 0;
    virtual Provider& provider() = 0;
    // Allocations and secrets of its own at every call.
    virtual Spec spec() = 0;
    // Everything out there, in words that change when anything does.
    virtual std::string picture() = 0;
    // What tells the thing of this name from a later one, e.g. its pid and start time. Empty: there is none.
    virtual std::string identity(const std::string& name) = 0;
    virtual void plant_foreign(const std::string& name) = 0;
    virtual void unplant_foreign(const std::string& name) = 0;
    // It stops by itself; its data stays.
    virtual void make_stop(const std::string& name) = 0;
    // What is left although everything was removed.
    virtual std::vector<std::string> leftovers() = 0;
    // Whether two things of one name can exist.
    [[nodiscard]] virtual bool unique_names() const { return true; }
    // Whether the provider hears of it where something stops by itself; else only a look finds it.
    [[nodiscard]] virtual bool tells_of_stops() const { return true; }

    template <class T>
    T run(Task<T> task) {
        return slipway::testing::run(io_, std::move(task));
    }
    boost::asio::io_context& io() { return io_; }

  protected:
    boost::asio::io_context io_;
};

using SubjectFactory = std::function<std::unique_ptr<Subject>()>;
struct NamedFactory {
    std::string name;
    SubjectFactory make;
};
std::unique_ptr<Subject> make_dummy_strict();
std::unique_ptr<Subject> make_dummy_token();
std::unique_ptr<Subject> make_local_redis();
std::unique_ptr<Subject> make_local_memcached();
std::unique_ptr<Subject> make_databases_postgres();
std::unique_ptr<Subject> make_databases_mysql();
std::unique_ptr<Subject> make_local_postgres();
std::unique_ptr<Subject> make_local_mariadb();
std::unique_ptr<Subject> make_libvirt();
std::unique_ptr<Subject> make_lxc();

inline Target target_of(const std::string& name, std::uint64_t generation = 1) {
    return {InstallationId("ins_conformance"), ResourceId("res_" + name), name, generation, "token-" + name, {}};
}

}  // namespace slipway::testing
