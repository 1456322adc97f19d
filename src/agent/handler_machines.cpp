// The verbs for machines.
#include <fmt/format.h>

#include "agent/server.h"

namespace slipway::agent {
namespace {

using boost::asio::ip::address_v4;
using boost::asio::ip::network_v4;

constexpr unsigned short kWidest = 16;  // of subnets: more addresses than one host has machines
constexpr unsigned short kNarrowest = 29;

Answer<std::string> network_id(const json::object& request) {
    std::string id = json::get_string(request, "network");
    if (!valid_network(id)) return refuse(FailureCode::invalid, "a network's id is 8 hexadecimal digits");
    return id;
}

Answer<address_v4> address_of(const json::object& request) {
    boost::system::error_code error;
    address_v4 address = boost::asio::ip::make_address_v4(json::get_string(request, "address"), error);
    if (error) return refuse(FailureCode::invalid, "the address must be an IPv4 address");
    return address;
}

Answer<json::object> after(const Answer<void>& done) {
    if (!done) return std::unexpected(done.error());
    return json::object{};
}

}  // namespace

Answer<network_v4> Handler::subnet_of(const json::object& request) {
    boost::system::error_code error;
    network_v4 subnet = boost::asio::ip::make_network_v4(json::get_string(request, "subnet"), error);
    if (error || subnet != subnet.canonical() || subnet.prefix_length() < kWidest ||
        subnet.prefix_length() > kNarrowest) {
        return refuse(FailureCode::invalid,
                      fmt::format("the subnet must be like 10.213.0.0/24, from /{} to /{}", kWidest, kNarrowest));
    }
    return subnet;
}

Answer<Network> Handler::network_of(const json::object& request) const {
    const Answer<std::string> id = network_id(request);
    if (!id) return std::unexpected(id.error());
    return machines_.network(*id);
}

Answer<Tap> Handler::tap_of(const json::object& request) const {
    const Answer<address_v4> address = address_of(request);
    if (!address) return std::unexpected(address.error());
    Tap tap{*address, json::get_string(request, "mac"), 0};
    if (!valid_mac(tap.mac)) return refuse(FailureCode::invalid, "the MAC must be like 52:54:00:12:34:56");
    return tap;
}

Answer<Handler::Named> Handler::named(const json::object& request) const {
    if (!instances_.rights().isolation) {
        return refuse(FailureCode::unsupported, "machines take a helper that is root and has a range of uids");
    }
    Named found;
    found.name = json::get_string(request, "name");
    Answer<UniqueFd> directory = instances_.directory(found.name);
    if (!directory) return std::unexpected(directory.error());
    Answer<InstanceStatus> status = instances_.status(found.name);
    if (!status) return std::unexpected(status.error());
    if (!status->damage.empty()) return refuse(FailureCode::foreign, status->damage);
    const Answer<uid_t> uid = instances_.uid_of(*status);
    if (!uid) return std::unexpected(uid.error());
    found.directory = std::move(*directory);
    found.status = std::move(*status);
    found.uid = *uid;
    return found;
}

Answer<Handler::Named> Handler::owned(const json::object& request) const {
    Answer<Named> found = named(request);
    if (found && identity_of(found->status.meta) != identity_of(request)) {
        return refuse(FailureCode::foreign, "the name belongs to something else");
    }
    return found;
}

Answer<json::object> Handler::start_machines(const json::object& request) {
    const Answer<std::string> network = network_id(request);
    if (!network) return std::unexpected(network.error());
    const std::string tag = json::get_string(request, "tag");
    if (!valid_tag(tag)) return refuse(FailureCode::invalid, "the tag must be short printable text");
    const Answer<Named> found = named(request);
    if (!found) return std::unexpected(found.error());
    if (found->status.held) {
        if (!found->status.process) {
            return refuse(FailureCode::busy, "a remainder of an earlier process still lives");
        }
        return to_json(Started{*found->status.process, found->status.tag, true});
    }
    Answer<Launch> plan =
        machines_.daemon(found->name, found->directory.get(), found->uid, *network, json::get_bool(request, "kvm"));
    if (!plan) return std::unexpected(plan.error());
    machines_.end_probes(found->name, *network);
    const Answer<UniqueFd> listener = machines_.listen(found->name, found->directory.get());
    if (!listener) return std::unexpected(listener.error());
    plan->listener = listener->get();
    plan->tag = tag;
    const Answer<Process> process = launch(*plan, checkpoint_);
    if (!process) return std::unexpected(process.error());
    return to_json(Started{*process, tag, false});
}

Answer<json::object> Handler::end_guest(const json::object& request) const {
    const Answer<std::string> network = network_id(request);
    if (!network) return std::unexpected(network.error());
    const Answer<Named> found = owned(request);
    if (!found) return std::unexpected(found.error());
    machines_.end_guest(found->name, *network);
    return json::object{};
}

Answer<json::object> Handler::change_volume(const json::object& request, bool add) const {
    const Answer<Named> found = owned(request);
    if (!found) return std::unexpected(found.error());
    if (!add) return after(machines_.drop_volume(found->directory.get()));
    const Answer<bool> there = machines_.add_volume(found->directory.get(), found->uid);
    if (!there) return std::unexpected(there.error());
    return json::object{{"volume", *there}};
}

Answer<json::object> Handler::change_network(const json::object& request, bool up) const {
    const Answer<Network> network = network_of(request);
    if (!network) return std::unexpected(network.error());
    if (!up) return after(network->down());
    const std::string bridge = json::get_string(request, "bridge");
    if (bridge != machines_.places().bridge) {
        return refuse(FailureCode::invalid,
                      bridge.empty() ? fmt::format("the helper joins machines to the bridge {} (slipway agent "
                                                   "--bridge), which machines.bridge does not name",
                                                   machines_.places().bridge)
                                     : fmt::format("the helper was not told to join machines to a bridge {0} "
                                                   "(slipway agent --bridge {0})",
                                                   bridge));
    }
    const Answer<network_v4> subnet = subnet_of(request);
    if (!subnet) return std::unexpected(subnet.error());
    return after(network->up(*subnet));
}

Answer<json::object> Handler::change_tap(const json::object& request, bool add) const {
    const Answer<Network> network = network_of(request);
    if (!network) return std::unexpected(network.error());
    if (!add) {
        const Answer<address_v4> address = address_of(request);
        return address ? after(network->remove(*address)) : std::unexpected(address.error());
    }
    Answer<Tap> tap = tap_of(request);
    if (!tap) return std::unexpected(tap.error());
    const std::int64_t uid = json::get_int(request, "uid");
    const Rights& rights = instances_.rights();
    if (uid < rights.uid_first || uid > rights.uid_last) {
        return refuse(FailureCode::invalid, "the uid is not one of those that may be given");
    }
    tap->owner = static_cast<uid_t>(uid);
    return after(network->add(*tap));
}

Answer<json::object> Handler::list_taps(const json::object& request) const {
    const Answer<Network> network = network_of(request);
    if (!network) return std::unexpected(network.error());
    const Answer<std::vector<std::string>> names = network->taps();
    if (!names) return std::unexpected(names.error());
    json::array list;
    for (const std::string& each : *names) list.emplace_back(each);
    return json::object{{"taps", std::move(list)}};
}

std::optional<Answer<json::object>> Handler::dispatch_machines(std::string_view verb, const json::object& request) {
    if (verb == "start_machines") return start_machines(request);
    if (verb == "end_guest") return end_guest(request);
    if (verb == "add_volume") return change_volume(request, true);
    if (verb == "drop_volume") return change_volume(request, false);
    if (verb == "network_up") return change_network(request, true);
    if (verb == "network_down") return change_network(request, false);
    if (verb == "add_tap") return change_tap(request, true);
    if (verb == "remove_tap") return change_tap(request, false);
    if (verb == "taps") return list_taps(request);
    return std::nullopt;
}

}  // namespace slipway::agent
