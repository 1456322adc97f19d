#include <array>

#include "fuzz/fuzz.h"

namespace slipway::fuzz {

std::span<const FuzzTarget> targets() {
    static constexpr std::array kTargets{FuzzTarget{"agent_answers", agent_answers},
                                         FuzzTarget{"agent_files", agent_files},
                                         FuzzTarget{"agent_requests", agent_requests},
                                         FuzzTarget{"backup_meta", backup_meta},
                                         FuzzTarget{"bodies", bodies},
                                         FuzzTarget{"cli", cli},
                                         FuzzTarget{"config", config},
                                         FuzzTarget{"dumps", dumps},
                                         FuzzTarget{"engine_replies", engine_replies},
                                         FuzzTarget{"event_stream", event_stream},
                                         FuzzTarget{"faces", faces},
                                         FuzzTarget{"http_request", http_request},
                                         FuzzTarget{"http_target", http_target},
                                         FuzzTarget{"image_files", image_files},
                                         FuzzTarget{"keys", keys},
                                         FuzzTarget{"names", names},
                                         FuzzTarget{"origins", origins},
                                         FuzzTarget{"playbook_report", playbook_report},
                                         FuzzTarget{"rows", rows},
                                         FuzzTarget{"rows_round_trip", rows_round_trip},
                                         FuzzTarget{"settings", settings},
                                         FuzzTarget{"sql_names", sql_names},
                                         FuzzTarget{"units", units}};
    return kTargets;
}

}  // namespace slipway::fuzz
