// SPDX-License-Identifier: Apache-2.0

import LiveBroker
import Testing
@testable import LiveEmulator

/// Back-pressure, chance and order on the emulated network.
@Suite struct NetworkFlowTests {
  @Test func aClientThatDoesNotReadReceivesNothingUntilItDoes() throws {
    var configuration = NetworkConfiguration()
    configuration.receiveWindow = 250
    let bench = NetworkBench(configuration: configuration)
    try bench.simulation.run {
      let connection = try await bench.dial()
      connection.setReading(false)
      connection.send("flood 5 100")
      connection.send("bye")
      try await bench.wait(850)
      #expect(bench.received.isEmpty)
      connection.setReading(true)
      try await bench.wait(1_000)
    }
    // The window takes three; the rest needs a round trip more.
    #expect(
      bench.received == [
        "1000 g1 100 bytes", "1000 g1 100 bytes", "1000 g1 100 bytes", "1050 g1 100 bytes",
        "1050 g1 100 bytes", "1050 g1 closed 1011 bye",
      ])
  }

  @Test func whatFollowsAfterReadingResumesDoesNotOvertake() throws {
    var configuration = NetworkConfiguration()
    configuration.receiveWindow = 100
    let bench = NetworkBench(configuration: configuration)
    try bench.simulation.run {
      let connection = try await bench.dial()
      connection.setReading(false)
      connection.send("flood 2 100")
      try await bench.wait(100)
      connection.send("echo")
      connection.setReading(true)
      try await bench.wait(1_000)
    }
    #expect(bench.received == ["250 g1 100 bytes", "300 g1 100 bytes", "300 g1 echo"])
  }

  @Test func aClientThatNeverReadsIsCut() throws {
    var configuration = NetworkConfiguration()
    configuration.heldLimit = 1_000
    let bench = NetworkBench(configuration: configuration)
    try bench.simulation.run {
      let connection = try await bench.dial()
      connection.setReading(false)
      connection.send("flood 20 100")
      try await bench.wait(1_000)
      connection.setReading(true)
      try await bench.wait(1_000)
    }
    #expect(bench.received.count == 12)
    #expect(bench.received.last == "1150 g1 failed lost")
    #expect(bench.network.figures.slowClientsCut == 1)
    #expect(bench.served.last?.hasSuffix("disconnected") == true)
    #expect(bench.network.figures.framesLostToClient == 9)
  }

  @Test func aClientThatSendsTooMuchIsToldAndThenCut() throws {
    var configuration = NetworkConfiguration()
    configuration.sendBuffer = 100
    let bench = NetworkBench(configuration: configuration)
    try bench.simulation.run {
      let connection = try await bench.dial()
      for _ in 0..<3 { connection.send("flood 0 0" + String(repeating: " ", count: 40)) }
      try await bench.wait(100)
      #expect(bench.received == ["150 g1 writable false", "175 g1 writable true"])
      bench.network.partition(.toService)
      for _ in 0..<40 { connection.send("flood 0 0" + String(repeating: " ", count: 40)) }
      try await bench.wait(100)
    }
    #expect(bench.received.last == "275 g1 failed lost")
  }

  // MARK: Chance

  @Test func lossAndSilenceByChanceEndConnections() throws {
    var configuration = NetworkConfiguration()
    configuration.faults.meanTimeToLoss = .seconds(10)
    let bench = NetworkBench(configuration: configuration)
    try bench.simulation.run {
      for number in 0..<10 { _ = try await bench.dial(generation: number) }
      try await bench.wait(25_000)
    }
    #expect(bench.received.count == 10)
    #expect(Set(bench.received.compactMap { $0.split(separator: " ").first }).count > 5)
  }

  private func transcript(seed: UInt64) throws -> (hash: String, lines: UInt64, text: [UInt8]) {
    var configuration = NetworkConfiguration()
    configuration.faults.jitter = .milliseconds(40)
    configuration.faults.dialRefused = 0.2
    configuration.faults.meanTimeToLoss = .seconds(5)
    let text = Box<[UInt8]>([])
    let trace = Trace { bytes in text.update { $0 += bytes } }
    let bench = NetworkBench(seed: seed, configuration: configuration, trace: trace)
    try bench.simulation.run {
      await withDiscardingTaskGroup { group in
        for number in 0..<20 {
          group.addTask {
            guard let connection = try? await bench.dial(generation: number) else { return }
            for step in 0..<50 {
              connection.send("\(step)")
              try? await bench.wait(100)
            }
            connection.close(code: 1000, reason: "")
          }
        }
      }
      try await bench.wait(1_000)
    }
    trace.flush()
    return (trace.hexDigest, trace.lineCount, text.value)
  }

  @Test func oneSeedGivesOneTraceAndAnotherSeedAnother() throws {
    let first = try transcript(seed: 11)
    let again = try transcript(seed: 11)
    #expect(first.lines > 1_000)
    #expect(first.hash == again.hash)
    #expect(first.text == again.text)
    #expect(SHA256.hexDigest(of: first.text) == first.hash)
    #expect(try transcript(seed: 12).hash != first.hash)
  }

  @Test func jitterNeverReordersOneConnection() throws {
    var configuration = NetworkConfiguration()
    configuration.faults.jitter = .milliseconds(200)
    let bench = NetworkBench(configuration: configuration)
    try bench.simulation.run {
      let connection = try await bench.dial()
      for step in 0..<100 {
        connection.send("\(step)")
        try await bench.wait(3)
      }
      try await bench.wait(1_000)
    }
    #expect(
      bench.received.compactMap { $0.split(separator: " ").last.map(String.init) }
        == (0..<100).map(String.init))
  }

  // MARK: Executors

  private actor Session {
    let executor: any ShardExecutor
    nonisolated var unownedExecutor: UnownedSerialExecutor { executor.asUnownedSerialExecutor() }
    init(_ executor: any ShardExecutor) { self.executor = executor }
    var order: [String] = []
    func received(_ text: String) { order.append(text) }
  }

  /// Enters the session's actor synchronously, as the engine does.
  private final class EnteringSink: ConnectionSink {
    let session: Session
    let order: Box<[String]>
    init(_ session: Session, _ order: Box<[String]>) {
      self.session = session
      self.order = order
    }
    func connection(_ generation: UInt32, received payload: UnsafeRawBufferPointer) {
      let text = String(decoding: payload, as: UTF8.self)
      session.assumeIsolated { $0.received(text) }
      order.update { $0.append(text) }
    }
    func connection(_ generation: UInt32, signalled signal: ConnectionSignal) {}
  }

  @Test func deliveriesEnterTheirActorsInTheOrderOfSendingAcrossExecutors() throws {
    let simulation = Simulation(seed: 1)
    let network = EmulatedNetwork(simulation: simulation, service: EchoService())
    let order = Box<[String]>([])
    try simulation.run {
      var connections: [any LiveConnection] = []
      for executor in simulation.runtime.shardExecutors {
        connections.append(
          try await network.dial(
            DialRequest(
              endpoint: LiveEndpoint(host: "live.test"), credential: .apiKey(Secret("key")),
              generation: 1, executor: executor, sink: EnteringSink(Session(executor), order))))
      }
      for number in 0..<20 { connections[(number / 3) % 2].send("\(number)") }
      try await simulation.clock.sleep(for: .seconds(1))
    }
    #expect(order.value == (0..<20).map(String.init))
  }

  @Test func aLongRunNeedsNoMoreStackThanAShortOne() throws {
    let bench = NetworkBench()
    try bench.simulation.run {
      let connection = try await bench.dial()
      for _ in 0..<300 {
        for _ in 0..<100 { connection.send(.ping([])) }
        try await bench.wait(1)
      }
      try await bench.wait(100)
    }
    #expect(bench.network.figures.pings == 30_000)
  }

  // MARK: Lifetimes

  private final class MortalSink: ConnectionSink {
    let deaths: Box<Int>
    init(_ deaths: Box<Int>) { self.deaths = deaths }
    func connection(_ generation: UInt32, received payload: UnsafeRawBufferPointer) {}
    func connection(_ generation: UInt32, signalled signal: ConnectionSignal) {}
    deinit { deaths.update { $0 += 1 } }
  }

  @Test(arguments: ["close", "abort", "drop"])
  func aConnectionThatEndedHoldsNoSink(how: String) throws {
    let simulation = Simulation(seed: 1)
    let network = EmulatedNetwork(simulation: simulation, service: EchoService())
    let deaths = Box(0)
    let alive = try simulation.run {
      let connection = try await network.dial(
        DialRequest(
          endpoint: LiveEndpoint(host: "live.test"), credential: .apiKey(Secret("key")),
          generation: 1, executor: simulation.runtime.shardExecutors[0], sink: MortalSink(deaths))
      )
      let alive = deaths.value
      switch how {
      case "close": connection.close(code: 1000, reason: "")
      case "abort": connection.abort()
      default: connection.send("drop")
      }
      try await simulation.clock.sleep(for: .seconds(1))
      return alive
    }
    #expect(alive == 0)
    #expect(deaths.value == 1)
  }
}
