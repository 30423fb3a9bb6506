// SPDX-License-Identifier: Apache-2.0

import LiveBroker
import LiveEmulator

/// A broker and the emulated service in one simulation, with everything switched off that only
/// watches: no trace, no notes, no accounts.
struct Stand: Sendable {
  let simulation: Simulation
  let network: EmulatedNetwork<LiveService>
  let broker: Broker

  init(
    seed: UInt64, service change: (inout ServiceConfiguration) -> Void = { _ in }
  ) {
    var service = ServiceConfiguration()
    service.notes = false
    service.accounts = AccountRules()
    service.accounts.itemsKept = 0
    service.accounts.promisesKept = 0
    change(&service)
    simulation = Simulation(seed: seed)
    network = EmulatedNetwork(
      simulation: simulation, service: LiveService(configuration: service, seed: seed))
    var configuration = BrokerConfiguration(
      credentials: .ephemeralTokens(network.minter(apiKey: Secret("BENCHMARK-KEY"))))
    configuration.admission = .unlimited
    broker = Broker(
      configuration: configuration, transport: network, runtime: simulation.runtime)
  }

  /// Runs the broker, opens so many sessions, and then runs `body` in virtual time.
  func run<R: Sendable>(
    sessions count: Int, _ configuration: SessionConfiguration,
    _ body: @escaping @Sendable ([LiveSession]) async throws -> R
  ) throws -> R {
    try simulation.run { [broker] in
      try await withThrowingTaskGroup(of: Void.self) { group in
        group.addTask { try await broker.run() }
        let sessions = try await Self.open(count, configuration, on: broker)
        let result = try await body(sessions)
        group.cancelAll()
        while let ended = await group.nextResult() {
          if case .failure(let error) = ended, !(error is CancellationError) { throw error }
        }
        return result
      }
    }
  }

  private static func open(
    _ count: Int, _ configuration: SessionConfiguration, on broker: Broker
  ) async throws -> [LiveSession] {
    try await withThrowingTaskGroup(of: LiveSession.self) { group in
      for index in 0..<count {
        group.addTask { try await broker.openSession(configuration, id: "session-\(index)") }
      }
      var sessions: [LiveSession] = []
      for try await session in group { sessions.append(session) }
      return sessions
    }
  }

  func sleep(_ duration: Duration) async throws {
    try await simulation.clock.sleep(for: duration)
  }

  /// Resumes that the service has completed.
  var resumes: Int { network.withService { $0.totalsNow.sessionsResumed } }
}
