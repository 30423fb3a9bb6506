// SPDX-License-Identifier: Apache-2.0

import LiveBroker
import LiveEmulator

/// Many sessions against the emulated service in virtual time, with one storm.
struct Tour: Sendable {
  let options: TourOptions
  let recording: Recording?
  let simulation: Simulation
  let network: EmulatedNetwork<LiveService>
  let trace: Trace
  let witness: SessionWitness
  private let broker: Broker

  init(
    _ options: TourOptions, recording: Recording?,
    traceSink: @escaping @Sendable (UnsafeRawBufferPointer) -> Void
  ) {
    self.options = options
    self.recording = recording
    simulation = Simulation(seed: options.seed)
    trace = Trace(sink: traceSink)
    witness = SessionWitness(sessions: options.sessions)
    network = EmulatedNetwork(
      simulation: simulation,
      service: LiveService(
        configuration: Self.service(options, speaks: recording != nil), seed: options.seed),
      configuration: Self.network(options), trace: trace)
    var configuration = BrokerConfiguration(
      credentials: .ephemeralTokens(network.minter(apiKey: Secret("TOUR-KEY"))))
    configuration.observer = witness
    broker = Broker(configuration: configuration, transport: network, runtime: simulation.runtime)
  }

  private static func service(_ options: TourOptions, speaks: Bool) -> ServiceConfiguration {
    var configuration = ServiceConfiguration()
    configuration.admitPerSecond = options.admittedPerSecond
    configuration.connections.releaseLag = options.releaseLag
    configuration.model.verbosity = speaks ? .full : .brief
    configuration.accounts.audioKept = .max
    configuration.accounts.itemsKept = options.sessions > 1_000 ? 0 : 4_096
    configuration.sessions.total = max(1_000_000, options.sessions * 2)
    return configuration
  }

  private static func network(_ options: TourOptions) -> NetworkConfiguration {
    var configuration = NetworkConfiguration()
    configuration.roundTrip = options.roundTrip
    return configuration
  }

  private func configuration(for session: Int) -> SessionConfiguration {
    var configuration = SessionConfiguration(model: "models/gemini-live-tour")
    configuration.rotation.handover =
      options.handover == .optimistic ? .optimistic : .afterClose
    configuration.setup.labels = ["session": .string(String(session))]
    return configuration
  }

  /// Runs the tour to its end. `progress` is called now and then with the virtual time and the
  /// number of sessions that were opened.
  func run(
    progress: @escaping @Sendable (Duration, Int) -> Void
  ) throws -> StormFigures? {
    try simulation.run {
      try await withThrowingTaskGroup(of: Void.self) { group in
        let begin = simulation.clock.now
        group.addTask { try await broker.run() }
        group.addTask { try await report(progress, since: begin) }
        async let storm = storm(since: begin)
        await withTaskGroup(of: Void.self) { applications in
          addApplications(to: &applications, from: begin)
        }
        let figures = try await storm
        group.cancelAll()
        while let result = await group.nextResult() {
          if case .failure(let error) = result, !(error is CancellationError) { throw error }
        }
        return figures
      }
    }
  }

  private func addApplications(to group: inout TaskGroup<Void>, from begin: EngineInstant) {
    var random = SplitMix64(seed: options.seed)
    for index in 0..<options.sessions {
      var own = random.split()
      let application = ScriptedSession(
        index: index,
        script: ApplicationScript(
          session: index, options: options, recording: recording, random: &own),
        recording: recording, clock: simulation.clock, start: begin,
        end: begin.advanced(by: options.length), witness: witness)
      let configuration = configuration(for: index)
      // A session that fails is seen by its unanswered probe and by its end.
      group.addTask { try? await application.run(broker, configuration) }
    }
  }

  private func report(
    _ progress: @Sendable (Duration, Int) -> Void, since begin: EngineInstant
  ) async throws {
    while true {
      try await simulation.clock.sleep(for: .seconds(1))
      progress(begin.duration(to: simulation.clock.now), witness.live)
    }
  }

  // MARK: The storm

  private func storm(since begin: EngineInstant) async throws -> StormFigures? {
    guard let minute = options.stormAt else { return nil }
    let clock = simulation.clock
    try await clock.sleep(until: begin.advanced(by: minute))
    let sessions = network.withService { $0.totalsNow.sessionsLive }
    let before = network.figures.upgradesSeen
    network.beginPeak()
    witness.stormBroke(at: clock.now)
    let broke = clock.now
    network.dropEverything()
    let end = begin.advanced(by: options.length)
    while witness.back < sessions, clock.now < end {
      try await clock.sleep(for: .milliseconds(50))
    }
    var figures = StormFigures()
    figures.sessions = sessions
    figures.attempts = Int(network.figures.upgradesSeen - before)
    figures.lastBack = broke.duration(to: witness.lastBack)
    figures.admittedPerSecond = options.admittedPerSecond
    figures.peakDialsPerSecond = network.figures.peakUpgradesPerSecond
    return figures
  }
}
