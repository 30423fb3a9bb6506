// SPDX-License-Identifier: Apache-2.0

#if NIO
import LiveEmulator

/// Faults in one flag: `drop=0.01,stall-upgrade=0.05,delay-pong=20s,goaway-silence`.
///
/// Each is a name with a share from 0 to 1, or with a length of time; a share that is left out is 1.
struct FaultSpec: Sendable {
  fileprivate enum Effect: Sendable {
    case share(@Sendable (inout EmulatorServerConfiguration, Double) -> Void)
    case time(@Sendable (inout EmulatorServerConfiguration, Duration) -> Void)
  }

  fileprivate struct Entry: Sendable {
    let name: String
    let help: String
    let effect: Effect
  }

  /// Reads a spec into a configuration; an empty one changes nothing.
  static func apply(
    _ spec: String, to configuration: inout EmulatorServerConfiguration
  ) throws(UsageError) {
    var seen: Set<String> = []
    for part in spec.split(separator: ",") {
      let sides = part.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
      let name = String(sides[0])
      let value = sides.count > 1 ? String(sides[1]) : nil
      guard let entry = entries.first(where: { $0.name == name }) else {
        throw UsageError(
          "there is no fault '\(name)'", suggestion: nearestName(to: name, among: names))
      }
      guard seen.insert(name).inserted else { throw UsageError("'\(name)' is given twice") }
      do throws(UsageError) { try entry.apply(value, to: &configuration) } catch {
        throw UsageError("\(name): \(error.message)")
      }
    }
  }

  /// A line for each fault, for the help text.
  static var helpLines: [String] {
    let width = entries.map { $0.title.count }.max() ?? 0
    return entries.map { "    \(padded($0.title, to: width))  \($0.help)" }
  }

  private static var names: [String] { entries.map(\.name) }

  fileprivate static let entries: [Entry] = [
    Entry(
      "drop", "of connections: TCP cut without a close", share: { $0.service.faults.drops = $1 }),
    Entry(
      "close", "of connections: closed with one of --closes",
      share: { $0.service.faults.closes = $1 }),
    Entry(
      "silence", "of connections: open, and dead", share: { $0.service.faults.silences = $1 }),
    Entry(
      "early-goaway", "of connections: goAway early, with little or no time left",
      share: { $0.service.faults.earlyGoAways = $1 }),
    Entry(
      "no-goaway", "of connections: end without a goAway",
      share: { $0.service.faults.missingGoAways = $1 }),
    Entry(
      "goaway-silence", "of goAways: nothing more comes after them",
      share: { $0.service.faults.goAwaySilences = $1 }),
    Entry(
      "ignore-close", "of clients' closes: never answered",
      share: { $0.service.faults.unansweredCloses = $1 }),
    Entry(
      "odd-frame", "of connections: one message that is no JSON, or unknown",
      share: { $0.service.faults.oddFrames = $1 }),
    Entry(
      "drop-in-call", "of function calls: TCP cut while they are pending",
      share: { $0.service.faults.callDrops = $1 }),
    Entry(
      "close-in-call", "of function calls: closed while pending, with one of --closes",
      share: { $0.service.faults.callCloses = $1 }),
    Entry(
      "merge", "of messages: wait up to 150 ms and travel in one with the next",
      share: { $0.service.faults.merges = $1 }),
    Entry(
      "split", "of messages: sent in fragments, with a ping between",
      share: { $0.faults.splitMessages = $1 }),
    Entry(
      "tear", "of messages: cut by TCP, the rest 5 ms later with what follows",
      share: { $0.faults.tornMessages = $1 }),
    Entry(
      "stall-connect", "of connections: TLS (or HTTP) never begins",
      share: { $0.faults.stalledConnects = $1 }),
    Entry(
      "stall-upgrade", "of upgrades: never answered", share: { $0.faults.stalledUpgrades = $1 }),
    Entry(
      "refuse-upgrade", "of upgrades: HTTP 503",
      share: { $0.service.faults.upgradeRefusals = $1 }),
    Entry(
      "fail-mint", "of mints: HTTP 429, 500 or 503",
      share: { $0.service.faults.mintFailures = $1 }),
    Entry(
      "fail-setup", "of setups: answered by one of --closes",
      share: { $0.service.faults.setupFailures = $1 }),
    Entry(
      "stall-setup", "of setups: never answered", share: { $0.service.faults.setupStalls = $1 }),
    Entry(
      "refuse-resume", "of resumes: session not found",
      share: { $0.service.faults.resumeRefusals = $1 }),
    Entry(
      "poison-resume", "of resumes: accepted, and never answered again",
      share: { $0.service.faults.resumePoisonings = $1 }),
    Entry(
      "forget-resume", "of resumes: accepted, with everything forgotten",
      share: { $0.service.faults.resumeForgettings = $1 }),
    Entry(
      "withhold-handles", "of connections: no handle is issued",
      share: { $0.service.faults.withheldHandles = $1 }),
    Entry(
      "within", "how long after its setup a connection's incident comes at the latest",
      time: { $0.service.faults.incidentsWithin = $1 }),
    Entry("delay-pong", "how late pongs are", time: { $0.service.connections.pongDelay = $1 }),
    Entry(
      "release-lag", "how long a session counts as open after its close",
      time: { $0.service.connections.releaseLag = $1 }),
    Entry(
      "ghost-lag", "the same, after a connection that broke",
      time: { $0.service.connections.ghostLag = $1 }),
    Entry(
      "idle-limit", "a connection on which nothing comes for so long is cut",
      time: { $0.service.connections.idleLimit = $1 }),
  ]
}

extension FaultSpec.Entry {
  fileprivate init(
    _ name: String, _ help: String,
    share: @escaping @Sendable (inout EmulatorServerConfiguration, Double) -> Void
  ) {
    self.init(name: name, help: "share \(help)", effect: .share(share))
  }

  fileprivate init(
    _ name: String, _ help: String,
    time: @escaping @Sendable (inout EmulatorServerConfiguration, Duration) -> Void
  ) {
    self.init(name: name, help: help, effect: .time(time))
  }

  fileprivate var title: String {
    switch effect {
    case .share: "\(name)=SHARE"
    case .time: "\(name)=TIME"
    }
  }

  fileprivate func apply(
    _ value: String?, to configuration: inout EmulatorServerConfiguration
  ) throws(UsageError) {
    switch effect {
    case .share(let change):
      change(
        &configuration,
        try value.map { text throws(UsageError) in
          try FlagValue.decimal(text, in: 0...1)
        } ?? 1)
    case .time(let change):
      guard let value else { throw UsageError("needs a length of time, 20s for example") }
      change(&configuration, try FlagValue.duration(value, in: .zero ... .seconds(86_400)))
    }
  }
}
#endif
