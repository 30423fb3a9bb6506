// SPDX-License-Identifier: Apache-2.0

import LiveEmulator

@testable import LiveBroker

/// A broker, a network and the service in one simulation, for tests of the whole engine.
struct TestStand: Sendable {
  let simulation: Simulation
  let network: EmulatedNetwork<LiveService>
  let broker: Broker
  let brokerConfiguration: BrokerConfiguration

  init(
    seed: UInt64 = 1, shards: Int = 2, tokens: Bool = true, trace: Trace? = nil,
    service: (inout ServiceConfiguration) -> Void = { _ in },
    network change: (inout NetworkConfiguration) -> Void = { _ in },
    broker changeBroker: (inout BrokerConfiguration) -> Void = { _ in }
  ) {
    var serviceConfiguration = ServiceConfiguration()
    serviceConfiguration.accounts.audioKept = 4 << 20
    service(&serviceConfiguration)
    var networkConfiguration = NetworkConfiguration()
    change(&networkConfiguration)
    simulation = Simulation(seed: seed, shards: shards)
    network = EmulatedNetwork(
      simulation: simulation, service: LiveService(configuration: serviceConfiguration, seed: seed),
      configuration: networkConfiguration, trace: trace)
    let key = Secret("TEST-KEY")
    var configuration = BrokerConfiguration(
      credentials: tokens ? .ephemeralTokens(network.minter(apiKey: key)) : .apiKey(key))
    changeBroker(&configuration)
    brokerConfiguration = configuration
    broker = Broker(
      configuration: configuration, transport: network, runtime: simulation.runtime)
  }

  /// Runs the broker while `body` runs, in virtual time.
  func run<R: Sendable>(_ body: @escaping @Sendable (TestStand) async throws -> R) throws -> R {
    try simulation.run {
      try await withThrowingTaskGroup(of: Void.self) { group in
        group.addTask { try await broker.run() }
        let result = try await body(self)
        group.cancelAll()
        try await group.waitForAll()
        return result
      }
    }
  }

  /// Runs another broker beside the first, or after it, while `body` runs.
  func runAnother<R: Sendable>(
    over transport: (any LiveTransport)? = nil,
    _ change: (inout BrokerConfiguration) -> Void = { _ in },
    _ body: @escaping @Sendable (Broker) async throws -> R
  ) async throws -> R {
    var configuration = brokerConfiguration
    change(&configuration)
    let another = Broker(
      configuration: configuration, transport: transport ?? network,
      runtime: simulation.makeRuntime())
    return try await withThrowingTaskGroup(of: Void.self) { group in
      group.addTask { try await another.run() }
      let result = try await body(another)
      group.cancelAll()
      try await group.waitForAll()
      return result
    }
  }

  func sleep(_ duration: Duration) async throws { try await simulation.clock.sleep(for: duration) }

  /// A session's configuration, with a label by which the service's report knows it.
  func configuration(
    label: String = "a", _ change: (inout SessionConfiguration) -> Void = { _ in }
  ) -> SessionConfiguration {
    var configuration = SessionConfiguration(model: "models/gemini-live-test")
    configuration.setup.labels = ["session": .string(label)]
    change(&configuration)
    return configuration
  }
}

extension LiveSession {
  /// Asks and waits for the end of the turn; gives the text of the answer.
  func ask(_ text: String) async throws -> String {
    try await send(text: text)
    var answer = ""
    for try await message in messages {
      for part in message.serverContent?.modelTurn?.parts ?? [] { answer += part.text ?? "" }
      answer += message.serverContent?.outputTranscription?.text ?? ""
      if message.serverContent?.turnComplete == true { break }
    }
    return answer
  }
}
