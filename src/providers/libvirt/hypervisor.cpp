#include "providers/libvirt/hypervisor.h"

#include <atomic>

#include <fmt/format.h>
#include <libvirt/libvirt.h>
#include <libvirt/virterror.h>

#include "providers/libvirt/domain_xml.h"

namespace slipway::libvirt {
namespace {

struct Close {
    void operator()(virConnectPtr connection) const { ::virConnectClose(connection); }
};
struct Free {
    void operator()(virDomainPtr domain) const { ::virDomainFree(domain); }
};
using Connection = std::shared_ptr<virConnect>;
using Domain = std::unique_ptr<virDomain, Free>;

// One that takes long may be at work; so many in a row hang.
constexpr int kSilence = 3;

std::string last_words() {
    const virErrorPtr error = ::virGetLastError();
    return error == nullptr || error->message == nullptr ? "it says nothing" : error->message;
}

bool is(virErrorNumber code) {
    const virErrorPtr error = ::virGetLastError();
    return error != nullptr && error->code == code;
}

std::unexpected<Error> refused(std::string_view what) {
    return fail(ErrorCode::provider_failure, fmt::format("{}: {}", what, last_words()));
}

// Null where there is none.
Result<Domain> find(virConnectPtr connection, const DomainName& name) {
    Domain domain(::virDomainLookupByName(connection, name.name.c_str()));
    if (!domain && !is(VIR_ERR_NO_DOMAIN)) return refused("the daemon cannot look for the machine");
    return domain;
}

bool has_uuid(virDomainPtr domain, const std::string& uuid) {
    std::array<char, VIR_UUID_STRING_BUFLEN> text{};
    return ::virDomainGetUUIDString(domain, text.data()) == 0 && uuid == text.data();
}

std::string described(virDomainPtr domain) {
    char* xml = ::virDomainGetXMLDesc(domain, 0);
    if (xml == nullptr) return {};
    std::string text(xml);
    std::free(xml);  // NOLINT(cppcoreguidelines-no-malloc): libvirt hands it over so
    return text;
}

Result<DomainSeen> look_at(virConnectPtr connection, const DomainName& name) {
    const Result<Domain> domain = find(connection, name);
    if (!domain) return fail(domain.error());
    DomainSeen seen;
    if (!*domain) return seen;
    if (!has_uuid(domain->get(), name.uuid)) {
        seen.state = DomainState::foreign;
        return seen;
    }
    int state = VIR_DOMAIN_NOSTATE;
    if (::virDomainGetState(domain->get(), &state, nullptr, 0) != 0) {
        if (is(VIR_ERR_NO_DOMAIN)) return seen;
        return refused("the daemon cannot tell the machine's state");
    }
    seen.state = state == VIR_DOMAIN_SHUTDOWN || state == VIR_DOMAIN_SHUTOFF || state == VIR_DOMAIN_CRASHED
                     ? DomainState::stopping
                     : DomainState::running;
    Mark mark = mark_in(described(domain->get()));
    seen.tag = std::move(mark.tag);
    seen.restored = mark.restored;
    return seen;
}

std::string dotted(unsigned long version) {
    return fmt::format("{}.{}.{}", version / 1'000'000, version / 1'000 % 1'000, version % 1'000);
}

// What it was about to do has been done already by somebody else.
bool is_over() { return is(VIR_ERR_NO_DOMAIN) || is(VIR_ERR_OPERATION_INVALID); }

Status end_it(virConnectPtr connection, const DomainName& name, bool whatever) {
    const Result<Domain> domain = find(connection, name);
    if (!domain) return fail(domain.error());
    if (!*domain || (!whatever && !has_uuid(domain->get(), name.uuid))) return {};
    if (::virDomainDestroy(domain->get()) != 0 && !is_over()) return refused("the machine could not be ended");
    return {};
}

}  // namespace

// One connection for all workers, made anew when it is lost.
struct Hypervisor::Link {
    explicit Link(std::string socket) : uri(fmt::format("qemu+unix:///session?socket={}", socket)) {}

    Connection get() {
        const std::lock_guard guard(mutex);
        if (stale.exchange(false) || (connection && ::virConnectIsAlive(connection.get()) != 1)) connection.reset();
        if (!connection) connection = Connection(::virConnectOpen(uri.c_str()), Close());
        return connection;
    }

    const std::string uri;
    std::atomic<bool> stale = false;
    std::mutex mutex;
    Connection connection;
};

Hypervisor::Hypervisor(std::string socket, machines::Workers& workers)
    : link_(std::make_shared<Link>(std::move(socket))), workers_(workers) {
    // It would print every error.
    ::virSetErrorFunc(nullptr, [](void*, virErrorPtr) {});
    ::virInitialize();
}

Hypervisor::~Hypervisor() { workers_.give_up(std::move(link_)); }

template <class T>
Task<Result<T>> Hypervisor::ask(std::function<Result<T>(Link& link)> what, Deadline deadline) {
    if (deadline.over())
        co_return fail(ErrorCode::unavailable, "there was no time left to ask the machines' daemon");
    std::optional<Result<T>> answer = co_await workers_.run<Result<T>>(
        [link = link_, what = std::move(what)] {
            if (!link->get()) {
                return Result<T>(
                    fail(ErrorCode::unavailable, "the machines' daemon does not answer", last_words()));
            }
            return what(*link);
        },
        deadline);
    unanswered_ = answer ? 0 : unanswered_ + 1;
    if (answer) {
        refused_ = !*answer && answer->error().code == ErrorCode::unavailable;
        co_return std::move(*answer);
    }
    co_return fail(ErrorCode::timeout, "the machines' daemon did not answer in time");
}

void Hypervisor::renew() { link_->stale = true; }

Contact Hypervisor::contact() const {
    if (unanswered_ >= kSilence) return Contact::silent;
    return refused_ ? Contact::refused : Contact::good;
}

Task<Result<DomainSeen>> Hypervisor::look(DomainName name, Deadline deadline) {
    return ask<DomainSeen>([name](Link& link) { return look_at(link.get().get(), name); }, deadline);
}

Task<Status> Hypervisor::start(std::string xml, Deadline deadline) {
    return ask<void>(
        [xml](Link& link) -> Status {
            const Domain made(::virDomainCreateXML(link.get().get(), xml.c_str(), 0));
            if (!made) return refused("the machine could not be started");
            return {};
        },
        deadline);
}

Task<Status> Hypervisor::save(DomainName name, std::string file, Deadline deadline) {
    return ask<void>(
        [name, file](Link& link) -> Status {
            const Result<Domain> domain = find(link.get().get(), name);
            if (!domain) return fail(domain.error());
            if (!*domain || !has_uuid(domain->get(), name.uuid)) {
                return fail(ErrorCode::provider_failure, "the machine that was to be saved does not run");
            }
            if (::virDomainSave(domain->get(), file.c_str()) != 0) return refused("the machine could not be saved");
            return {};
        },
        deadline);
}

Task<Status> Hypervisor::restore(std::string file, Deadline deadline) {
    return ask<void>(
        [file](Link& link) -> Status {
            if (::virDomainRestore(link.get().get(), file.c_str()) != 0) {
                return refused("the machine could not be restored");
            }
            return {};
        },
        deadline);
}

Task<Status> Hypervisor::shut_down(DomainName name, Deadline deadline) {
    return ask<void>(
        [name](Link& link) -> Status {
            const Result<Domain> domain = find(link.get().get(), name);
            if (!domain) return fail(domain.error());
            if (!*domain || !has_uuid(domain->get(), name.uuid)) return {};
            if (::virDomainShutdown(domain->get()) != 0 && !is_over()) {
                return refused("the machine could not be shut down");
            }
            return {};
        },
        deadline);
}

Task<Status> Hypervisor::end(DomainName name, Deadline deadline) {
    return ask<void>([name](Link& link) { return end_it(link.get().get(), name, false); }, deadline);
}

Task<Status> Hypervisor::end_any(std::string name, Deadline deadline) {
    return ask<void>([name](Link& link) { return end_it(link.get().get(), {name, {}}, true); }, deadline);
}

Task<Result<std::vector<DomainName>>> Hypervisor::all(Deadline deadline) {
    return ask<std::vector<DomainName>>(
        [](Link& link) -> Result<std::vector<DomainName>> {
            virDomainPtr* list = nullptr;
            const int count = ::virConnectListAllDomains(link.get().get(), &list, 0);
            if (count < 0) return refused("the daemon cannot list its machines");
            std::vector<DomainName> names;
            for (int i = 0; i < count; ++i) {
                const Domain domain(list[i]);
                std::array<char, VIR_UUID_STRING_BUFLEN> uuid{};
                if (::virDomainGetUUIDString(domain.get(), uuid.data()) != 0) continue;
                names.push_back({::virDomainGetName(domain.get()), uuid.data()});
            }
            std::free(static_cast<void*>(list));  // NOLINT(cppcoreguidelines-no-malloc): libvirt hands it over so
            return names;
        },
        deadline);
}

Task<Result<std::string>> Hypervisor::version(Deadline deadline) {
    return ask<std::string>(
        [](Link& link) -> Result<std::string> {
            unsigned long version = 0;
            unsigned long library = 0;
            if (::virConnectGetVersion(link.get().get(), &version) != 0 ||
                ::virConnectGetLibVersion(link.get().get(), &library) != 0) {
                return refused("the daemon has no version");
            }
            return fmt::format("QEMU {}, libvirt {}", dotted(version), dotted(library));
        },
        deadline);
}

}  // namespace slipway::libvirt
