// SPDX-License-Identifier: Apache-2.0

import LiveBroker
import Testing

@testable import LiveEmulator

/// A client side by which tests dial; everything is Sendable, so that simulated tasks can use it.
struct NetworkBench: Sendable {
  let simulation: Simulation
  let network: EmulatedNetwork<EchoService>
  let sink: RecordingSink
  let executor: any ShardExecutor

  init(
    seed: UInt64 = 1, service: EchoService = EchoService(),
    configuration: NetworkConfiguration = NetworkConfiguration(), trace: Trace? = nil
  ) {
    simulation = Simulation(seed: seed)
    network = EmulatedNetwork(
      simulation: simulation, service: service, configuration: configuration, trace: trace)
    executor = simulation.runtime.shardExecutors[0]
    sink = RecordingSink(simulation, executor: executor)
  }

  var clock: SimulatedClock { simulation.clock }
  var received: [String] { sink.lines.value }
  var served: [String] { network.withService { $0.log } }

  func dial(
    generation: Int = 1, usesTLS: Bool = true, timeouts: DialTimeouts = DialTimeouts()
  ) async throws -> any LiveConnection {
    try await network.dial(
      DialRequest(
        endpoint: LiveEndpoint(host: "live.test", usesTLS: usesTLS),
        credential: .apiKey(Secret("key")), generation: UInt32(generation), executor: executor,
        sink: sink, timeouts: timeouts))
  }

  func wait(_ milliseconds: Int64) async throws {
    try await clock.sleep(for: .milliseconds(milliseconds))
  }
}

extension LiveConnection {
  func send(_ text: String) { send(.text(Array(text.utf8))) }
}

@Suite struct NetworkTests {
  // MARK: Costs

  @Test(arguments: [(true, 150), (false, 100)])
  func aDialTakesThreeRoundTripsOrTwoWithoutTLS(usesTLS: Bool, expected: Int64) throws {
    let bench = NetworkBench()
    try bench.simulation.run { _ = try await bench.dial(usesTLS: usesTLS) }
    #expect(bench.clock.now.nanoseconds == expected * 1_000_000)
    #expect(bench.served == ["\(expected - 25) #1 upgrade"])
    #expect(bench.network.figures.openSockets == 1)
  }

  @Test func aMessageTakesHalfARoundTripEachWay() throws {
    let bench = NetworkBench()
    try bench.simulation.run {
      let connection = try await bench.dial(generation: 7)
      connection.send("hello")
      connection.send("later")
      try await bench.wait(2_000)
    }
    #expect(bench.served == ["125 #1 upgrade", "175 #1 hello", "175 #1 later"])
    #expect(bench.received == ["200 g7 hello", "1200 g7 late"])
    let figures = bench.network.figures
    #expect(figures.framesToService == 2 && figures.bytesToService == 10)
    #expect(figures.framesToClient == 2 && figures.bytesToClient == 9)
  }

  @Test func aCloseTakesOneRoundTripAndTheSocketIsOpenUntilItIsProcessed() throws {
    let bench = NetworkBench()
    let open = Box<[Int]>([])
    try bench.simulation.run {
      let connection = try await bench.dial()
      connection.close(code: 1000, reason: "done")
      connection.send("too late")
      for _ in 0..<3 {
        open.update { $0.append(bench.network.figures.openSockets) }
        try await bench.wait(24)
      }
    }
    #expect(open.value == [1, 1, 0])
    #expect(bench.served == ["125 #1 upgrade", "175 #1 close 1000"])
    #expect(bench.received == ["200 g1 closed 1000 done"])
    #expect(bench.network.openConnections.isEmpty)
  }

  @Test func aCloseOfTheServiceIsAnsweredByTheNetwork() throws {
    let bench = NetworkBench()
    try bench.simulation.run {
      let connection = try await bench.dial()
      connection.send("bye")
      try await bench.wait(10)
      connection.send("lost")
      try await bench.wait(190)
    }
    #expect(
      bench.served == ["125 #1 upgrade", "175 #1 bye", "225 #1 close 1011"])
    #expect(bench.received == ["200 g1 closed 1011 bye"])
    #expect(bench.network.figures.framesLostToService == 1)
    #expect(bench.network.figures.openSockets == 0)
  }

  @Test func closesThatCrossEndBothEndsOnce() throws {
    let bench = NetworkBench()
    try bench.simulation.run {
      let connection = try await bench.dial()
      connection.send("bye")
      try await bench.wait(10)
      connection.close(code: 1000, reason: "")
      try await bench.wait(200)
    }
    #expect(bench.served == ["125 #1 upgrade", "175 #1 bye", "185 #1 close 1000"])
    #expect(bench.received == ["200 g1 closed 1011 bye"])
    #expect(bench.network.figures.openSockets == 0)
  }

  @Test func aCloseThatIsNeverAnsweredEndsWithAnAbort() throws {
    var service = EchoService()
    service.answersClose = false
    let bench = NetworkBench(service: service)
    try bench.simulation.run {
      let connection = try await bench.dial()
      connection.close(code: 1000, reason: "")
      try await bench.wait(1_000)
      connection.abort()
      try await bench.wait(100)
    }
    #expect(bench.received.isEmpty)
    #expect(bench.served.suffix(2) == ["175 #1 close 1000", "1175 #1 disconnected"])
    #expect(bench.network.openConnections.isEmpty)
  }

  @Test func aGreetingComesAfterTheDialHasReturned() throws {
    var service = EchoService()
    service.greeting = Array("hi".utf8)
    let bench = NetworkBench(service: service)
    let before = try bench.simulation.run {
      _ = try await bench.dial()
      let before = bench.received
      try await bench.wait(1)
      return before
    }
    #expect(before.isEmpty)
    #expect(bench.received == ["150 g1 hi"])
  }

  @Test func whatArrivesAtOneInstantIsServedInTheOrderOfSending() throws {
    let bench = NetworkBench()
    try bench.simulation.run {
      var connections: [any LiveConnection] = []
      for number in 0..<3 { connections.append(try await bench.dial(generation: number)) }
      for number in [2, 0, 1, 0, 2] { connections[number].send("m\(number)") }
      try await bench.wait(100)
    }
    #expect(
      bench.served.suffix(5) == [
        "475 #3 m2", "475 #1 m0", "475 #2 m1", "475 #1 m0", "475 #3 m2",
      ])
    #expect(
      bench.received == [
        "500 g2 m2", "500 g0 m0", "500 g1 m1", "500 g0 m0", "500 g2 m2",
      ])
  }

  @Test func aPingComesBackAfterARoundTripAndItsDelayHoldsUpNothing() throws {
    var configuration = NetworkConfiguration()
    configuration.pongDelay = .seconds(8)
    let bench = NetworkBench(configuration: configuration)
    try bench.simulation.run {
      let connection = try await bench.dial()
      connection.send(.ping([]))
      connection.send("hello")
      try await bench.wait(10_000)
    }
    #expect(bench.received == ["200 g1 hello", "8200 g1 pong"])
    #expect(bench.network.figures.pings == 1)
  }

  // MARK: Losses

  @Test func aDropReachesTheClientLaterAndWhatItSendsMeanwhileIsLost() throws {
    let bench = NetworkBench()
    try bench.simulation.run {
      let connection = try await bench.dial()
      connection.send("drop")
      try await bench.wait(30)
      connection.send("in the dark")
      try await bench.wait(200)
      connection.send("ignored")
    }
    #expect(bench.served == ["125 #1 upgrade", "175 #1 drop"])
    #expect(bench.received == ["200 g1 failed lost"])
    let figures = bench.network.figures
    #expect(figures.framesLostToService == 1 && figures.bytesLostToService == 11)
    #expect(figures.connectionsLost == 1 && figures.openSockets == 0)
  }

  @Test func aStormCutsEveryConnection() throws {
    let bench = NetworkBench()
    try bench.simulation.run {
      for number in 0..<5 { _ = try await bench.dial(generation: number) }
      bench.network.dropEverything()
      try await bench.wait(100)
    }
    #expect(bench.received == (0..<5).map { "775 g\($0) failed lost" })
    #expect(bench.served.suffix(5) == (1...5).map { "750 #\($0) disconnected" })
    #expect(bench.network.figures.peakOpenSockets == 5)
    #expect(bench.network.figures.openSockets == 0)
    #expect(bench.network.figures.peakUpgradesPerSecond == 5)
  }

  @Test func aHalfOpenConnectionSaysNothingUntilTheServiceNotices() throws {
    let bench = NetworkBench()
    try bench.simulation.run {
      let connection = try await bench.dial()
      connection.send("before")
      bench.network.silence(1)
      connection.send("into nothing")
      connection.send(.ping([]))
      try await bench.wait(31_000)
      connection.abort()
      try await bench.wait(100)
    }
    #expect(bench.received.isEmpty)
    #expect(bench.served == ["125 #1 upgrade", "30150 #1 disconnected"])
    #expect(bench.network.figures.framesLostToService == 2)
  }

  @Test func aPartitionHoldsWhatIsUnderWayAndGivesItBackInOrder() throws {
    let bench = NetworkBench()
    try bench.simulation.run {
      let connection = try await bench.dial()
      connection.send("one")
      bench.network.partition(.both)
      connection.send("two")
      try await bench.wait(1_000)
      let during = bench.served
      #expect(during == ["125 #1 upgrade"])
      bench.network.partition([])
      connection.send("three")
      try await bench.wait(1_000)
    }
    #expect(bench.received == ["1200 g1 one", "1200 g1 two", "1200 g1 three"])
  }

  @Test func aDialIntoAPartitionEndsByItsDeadline() throws {
    let bench = NetworkBench()
    let error = try bench.simulation.run {
      bench.network.partition(.toClient)
      return await #expect(throws: TransportError.self) { try await bench.dial() }
    }
    #expect(error?.code == .timedOut)
    #expect(bench.clock.now.nanoseconds == 5_000_000_000)
    #expect(bench.served.isEmpty)
  }

  // MARK: Dials that fail

  @Test func aRefusedUpgradeCarriesStatusAndRetryAfter() throws {
    var service = EchoService()
    service.refusal = .refused(status: 429, retryAfter: .seconds(3))
    let bench = NetworkBench(service: service)
    let error = try bench.simulation.run {
      await #expect(throws: TransportError.self) { try await bench.dial() }
    }
    #expect(error?.code == .upgradeRefused)
    #expect(error?.httpStatus == 429)
    #expect(error?.retryAfter == .seconds(3))
    #expect(bench.clock.now.nanoseconds == 150_000_000)
    #expect(bench.network.figures.upgradesRefused == 1)
  }

  @Test func aRefusedConnectFailsAfterOneRoundTrip() throws {
    var configuration = NetworkConfiguration()
    configuration.faults.dialRefused = 1
    let bench = NetworkBench(configuration: configuration)
    let error = try bench.simulation.run {
      await #expect(throws: TransportError.self) { try await bench.dial() }
    }
    #expect(error?.code == .connectFailed)
    #expect(bench.clock.now.nanoseconds == 50_000_000)
  }

  @Test func aSilentPhaseEndsByItsOwnDeadline() throws {
    var configuration = NetworkConfiguration()
    configuration.faults.upgradeSilent = 1
    let bench = NetworkBench(configuration: configuration)
    let error = try bench.simulation.run {
      await #expect(throws: TransportError.self) { try await bench.dial() }
    }
    #expect(error?.code == .timedOut)
    #expect(bench.clock.now.nanoseconds == 10_100_000_000)
    #expect(bench.network.figures.dialsFailed == 1)
  }

  @Test(arguments: [10, 60, 110, 130, 149])
  func aCancelledDialEndsAtOnceAndLeavesNoSocket(after milliseconds: Int64) throws {
    let bench = NetworkBench()
    let code = try bench.simulation.run {
      let code = await withTaskGroup(of: TransportError.Code?.self) { group in
        group.addTask {
          do {
            _ = try await bench.dial()
            return nil
          } catch { return (error as? TransportError)?.code }
        }
        try? await bench.wait(milliseconds)
        group.cancelAll()
        let code = await group.next() ?? nil
        #expect(bench.clock.now.nanoseconds == milliseconds * 1_000_000)
        return code
      }
      try await bench.wait(1_000)
      return code
    }
    #expect(code == .cancelled)
    #expect(bench.network.openConnections.isEmpty)
    #expect(bench.network.figures.openSockets == 0)
    if milliseconds > 100 { #expect(bench.served.last?.hasSuffix("disconnected") == true) }
    #expect(bench.received.isEmpty)
  }

  // MARK: Back-pressure
}
