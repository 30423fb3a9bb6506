// SPDX-License-Identifier: Apache-2.0

import LiveEmulator
import Synchronization

@testable import LiveBroker

/// A time of everything that can go wrong, chosen by a seed: twenty sessions talk, the world
/// breaks at random moments, heals, and is asked what came of it.
struct Scenario: Sendable {
  static let sessions = 20

  let seed: UInt64
  /// How long the world is broken again and again.
  let trouble: Duration
  let stand: TestStand
  let trace: Trace
  /// What the service gave out, to be looked for in all that is told.
  let store = NotingStore()

  init(seed: UInt64, trouble: Duration) {
    self.seed = seed
    self.trouble = trouble
    let trace = Trace()
    self.trace = trace
    var random = SplitMix64(seed: seed)
    let lag = Duration.milliseconds(Int(random.unit() * 100))
    let handover = random.unit() < 0.5
    isOptimistic = handover
    let jitter = Duration.milliseconds([0, 20, 120, 600][Int(seed % 4)])
    stand = TestStand(
      seed: seed, trace: trace,
      service: {
        $0.connections.lifetime = .seconds(150)
        $0.connections.goAwayNotice = .seconds(30)
        $0.connections.lifetimeJitter = .seconds(40)
        $0.connections.releaseLag = lag
        $0.model.chunkInterval = .milliseconds(1_000)
        $0.model.chunkLength = .milliseconds(1_000)
        $0.faults.callDrops = 0.1
        $0.faults.callCloses = 0.1
        $0.faults.merges = seed.isMultiple(of: 2) ? 0.3 : 0
        $0.usageApart = seed % 3 == 0
      },
      network: { $0.faults.jitter = jitter },
      broker: { [store] in
        $0.store = store
        $0.admission.initialDialsPerSecond = 40
        $0.admission.maximumDialsPerSecond = 40
        $0.admission.maximumInFlight = 30
        $0.supervision.sessionLimits = RestartLimits(maximum: 20, period: .seconds(60))
      })
  }

  let isOptimistic: Bool

  /// What one session's application did and saw.
  struct Outcome: Sendable {
    var label: String
    var texts: Int
    var spoken: [UInt8]
    var witness: Witness
    var wasLiveAfterwards: Bool
    var end: SessionEnd?
    var problems: [String]
  }

  func run() throws -> [Outcome] {
    let outcomes = try stand.run { stand -> [Outcome] in
      let sampler = Sampler()
      return try await withThrowingTaskGroup(of: Outcome?.self) { group in
        for number in 0..<Self.sessions {
          group.addTask { try await converse("s\(number)", seed &* 31 &+ UInt64(number), sampler) }
        }
        group.addTask {
          try await breakThings()
          return nil
        }
        var outcomes: [Outcome] = []
        for try await outcome in group { if let outcome { outcomes.append(outcome) } }
        return outcomes
      }
    }
    try stand.letPass(.seconds(3 * 3_600))
    return outcomes.sorted { $0.label < $1.label }
  }
}

// MARK: The application

extension Scenario {
  private func converse(_ label: String, _ seed: UInt64, _ sampler: Sampler) async throws -> Outcome
  {
    var random = SplitMix64(seed: seed)
    let isSlow = random.unit() < 0.2
    let configuration = stand.configuration(label: label) {
      $0.rotation.handover = isOptimistic ? .optimistic : .afterClose
      $0.retry.attemptsPerOutage = 1_000
      $0.retry.attemptsToStart = 1_000
      $0.toolCalls.timeLimit = .seconds(15)
      if isSlow {
        $0.inbound.highWatermark = 100_000
        $0.inbound.lowWatermark = 20_000
      }
    }
    try await stand.sleep(.milliseconds(Int(random.unit() * 5_000)))
    let session = try await stand.broker.openSession(configuration, id: label)
    let witness = Witness(clock: stand.simulation.clock, pause: isSlow ? .milliseconds(700) : nil)
    return try await withThrowingTaskGroup(of: Void.self) { group in
      witness.listen(to: session, in: &group)
      var outcome = try await talk(session, witness, label, &random, sampler)
      // The world is healed; everybody must be back.
      try await stand.sleep(.seconds(150))
      outcome.wasLiveAfterwards = await probe(session, witness)
      outcome.end = session.end
      await session.close()
      try await group.waitForAll()
      return outcome
    }
  }

  private func talk(
    _ session: LiveSession, _ witness: Witness, _ label: String, _ random: inout SplitMix64,
    _ sampler: Sampler
  ) async throws -> Outcome {
    var outcome = Outcome(
      label: label, texts: 0, spoken: [], witness: witness, wasLiveAfterwards: false, problems: [])
    var answered = 0
    while stand.now < .zero.advanced(by: trouble) {
      switch random.unit() {
      case ..<0.4:
        try await session.send(.realtimeInput(.init(text: "note \(outcome.texts)")))
        outcome.texts += 1
      case ..<0.8:
        let length = Duration.milliseconds(100 * Int(1 + random.unit() * 20))
        outcome.spoken += try await stand.speak(
          session, for: length, from: outcome.spoken.count / 40)
      case ..<0.9: try await session.send(text: "use a tool")
      default: await cancelledCalls(session)
      }
      answered = try await answer(session, witness, from: answered, &random)
      outcome.problems += await sampler.look(at: session, stand)
      try await stand.sleep(.milliseconds(Int(random.unit() * 8_000)))
    }
    return outcome
  }

  /// Answers most of the calls that came since, some of them too late.
  private func answer(
    _ session: LiveSession, _ witness: Witness, from first: Int, _ random: inout SplitMix64
  ) async throws -> Int {
    let calls = witness.calls
    for call in calls.dropFirst(first) where random.unit() < 0.8 {
      try await session.send(
        .toolResponse(
          ToolResponse(functionResponses: [
            FunctionResponse(id: call.id, name: call.name, response: ["ok": true])
          ])))
    }
    return calls.count
  }

  /// A reader and an opener who are cancelled.
  private func cancelledCalls(_ session: LiveSession) async {
    await withTaskGroup(of: Void.self) { group in
      group.addTask {
        _ = try? await stand.broker.openSession(stand.configuration(label: "cancelled"))
      }
      try? await stand.sleep(.milliseconds(60))
      group.cancelAll()
    }
  }

  private func probe(_ session: LiveSession, _ witness: Witness) async -> Bool {
    guard (try? await session.send(text: "probe \(seed)")) != nil else { return false }
    for _ in 0..<60 {
      if witness.sawProbe { return true }
      try? await stand.sleep(.seconds(1))
    }
    return false
  }
}

// MARK: The world

extension Scenario {
  private func breakThings() async throws {
    var random = SplitMix64(seed: seed ^ 0xB4D)
    while stand.now < .zero.advanced(by: trouble) {
      try await stand.sleep(.milliseconds(Int(random.unit() * 6_000)))
      try await breakOne(&random)
    }
    stand.network.partition([])
    stand.network.withService {
      $0.refuseNextUpgrades(0)
      $0.failNextMints(0)
    }
  }

  private func breakOne(_ random: inout SplitMix64) async throws {
    let label = "s\(Int(random.unit() * Double(Self.sessions)))"
    let seconds = Int(random.unit() * 12)
    switch Int(random.unit() * 27) {
    case 0...2: stand.inject(.drop, into: label)
    case 3...5: stand.inject(.close(CloseNotice.incidents[seconds % 8]), into: label)
    case 6: stand.inject(.silence, into: label)
    case 7: if let connection = stand.connection(of: label) { stand.network.silence(connection) }
    case 8: stand.inject(.goAway(timeLeft: .seconds(seconds)), into: label)
    case 9: stand.inject(.goAway(timeLeft: nil), into: label)
    case 10:
      stand.inject(.falseGoAway(timeLeft: .seconds(50), cutAfter: .seconds(seconds)), into: label)
    case 11: stand.inject(.withholdHandles(true), into: label)
    case 12: stand.inject(.refuseNextResume, into: label)
    case 13: stand.inject(.poisonNextResume, into: label)
    case 14: stand.inject(.send(Array(#"{"serverContent":{"modelTurn""#.utf8)), into: label)
    case 15: stand.inject(.callTool, into: label)
    case 16: stand.network.withService { $0.refuseNextUpgrades(seconds) }
    case 17: stand.network.withService { $0.failNextMints(seconds / 2) }
    case 18: stand.network.dropEverything()
    case 19: stand.broker.session(id: label)?.injectFault("injected")
    case 20: stand.simulation.clock.stepWallTime(by: .seconds((seconds - 6) * 60))
    case 21:
      stand.network.partition([.toClient, .toService, .both][seconds % 3])
      try await stand.sleep(.seconds(seconds))
      stand.network.partition([])
    case 22:
      let now = stand.now
      stand.network.withService { $0.restart(forgettingSessions: false, at: now) }
    case 23...25: stall(label, seconds)
    default: stand.inject(.close(.tokenExpiredWhileOpen), into: label)
    }
  }
}

extension Scenario {
  /// Holds up a connection for seconds, and cuts it half of the time right when it goes on.
  private func stall(_ label: String, _ seconds: Int) {
    let directions: NetworkPartition = [.toClient, .toService, .both][seconds % 3]
    stand.stall(directions, for: .milliseconds(seconds * 700), of: label)
    if seconds.isMultiple(of: 2) { stand.inject(.drop, into: label) }
  }
}

/// Looks into a session from time to time.
struct Sampler: Sendable {
  /// Promises 6 and 12: live, or with a timer that will change that; and bounded.
  func look(at session: LiveSession, _ stand: TestStand) async -> [String] {
    let port = session.port
    var problems: [String] = []
    let bound = port.plan.configuration.inbound.highWatermark + (128 << 10)
    if port.unreadBytes > bound { problems.append("\(port.unreadBytes) bytes unread") }
    guard session.end == nil else { return problems }
    let state = await port.shard.inspection(of: port.address)
    if let state, state.deadline == .never || state.armedAt > state.deadline {
      problems.append("in \(state.phase) with no timer for \(state.deadline)")
    }
    if let state, state.keptBytes > 2 << 20 { problems.append("\(state.keptBytes) bytes kept") }
    return problems
  }
}

extension Shard {
  struct Inspection: Sendable {
    var phase: SessionPhase
    var deadline: EngineInstant
    var armedAt: EngineInstant
    var keptBytes: Int
  }

  func inspection(of address: SessionAddress) -> Inspection? {
    guard Int(address.slot) < sessions.count, let session = sessions[Int(address.slot)] else {
      return nil
    }
    return session.assumeIsolated { session in
      Inspection(
        phase: session.machine.phase,
        deadline: session.machine.nextDeadline(session.plan.limits), armedAt: session.armedAt,
        keptBytes: (session.load?.outbox.bytes ?? 0) + (session.load?.ledger.keptBytes ?? 0))
    }
  }
}
