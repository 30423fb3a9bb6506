// SPDX-License-Identifier: Apache-2.0

import LiveBroker
import Testing

@testable import LiveEmulator

/// The network with the real emulated service at its far end.
@Suite struct EmulatedLiveServiceTests {
  private final class Mailbag: ConnectionSink {
    let texts = Box<[String]>([])
    func connection(_ generation: UInt32, received payload: UnsafeRawBufferPointer) {
      let text = String(decoding: payload, as: UTF8.self)
      texts.update { $0.append(text) }
    }
    func connection(_ generation: UInt32, signalled signal: ConnectionSignal) {
      if case .closed(let code, _) = signal {
        texts.update { $0.append("closed \(code ?? 0)") }
      }
    }
  }

  private struct World: Sendable {
    let simulation: Simulation
    let network: EmulatedNetwork<LiveService>
    let bag = Mailbag()

    init(trace: Trace? = nil, network: NetworkConfiguration = NetworkConfiguration()) {
      simulation = Simulation(seed: 4)
      self.network = EmulatedNetwork(
        simulation: simulation, service: LiveService(seed: 4), configuration: network,
        trace: trace)
    }

    func dial(_ token: Secret) async throws -> any LiveConnection {
      try await network.dial(
        DialRequest(
          endpoint: LiveEndpoint(host: "live.test"), credential: .ephemeralToken(token),
          generation: 1, executor: simulation.runtime.shardExecutors[0], sink: bag))
    }
  }

  @Test func aMintedTokenOpensASession() throws {
    let text = Box<[UInt8]>([])
    let trace = Trace { bytes in text.update { $0 += bytes } }
    let world = World(trace: trace)
    let clock = world.simulation.clock
    let token = try world.simulation.run {
      let token = try await world.network.minter(apiKey: Secret("key")).mint(TokenRequest())
      #expect(clock.now.nanoseconds == 80_000_000)
      #expect(token.serverDate == SimulatedClock.trueWallTime(at: 55_000_000))
      let connection = try await world.dial(token.name)
      connection.send(#"{"setup":{"model":"models/test"}}"#)
      try await clock.sleep(for: .seconds(1))
      connection.close(code: 1000, reason: "")
      try await clock.sleep(for: .seconds(1))
      return token.name
    }
    trace.flush()
    #expect(world.bag.texts.value.contains { $0.contains("setupComplete") })
    #expect(world.bag.texts.value.last == "closed 1000")
    let lines = String(decoding: text.value, as: UTF8.self)
    #expect(lines.contains("session-started"))
    #expect(lines.contains("s0 out"))
    #expect(!lines.contains("auth_tokens"))
    #expect(!lines.contains(token.reveal()))
    #expect(world.network.withService { $0.report().promisesBroken }.isEmpty)
  }

  @Test func aMintSpellsWhatItAsksForAsTheServiceReadsIt() throws {
    let world = World()
    let clock = world.simulation.clock
    let request = TokenRequest(
      uses: 2, expireTime: clock.wallTime.advanced(by: .seconds(600)),
      newSessionExpireTime: clock.wallTime.advanced(by: .seconds(120)),
      constraints: TokenConstraints(
        setup: Array(#"{"model":"models/test"}"#.utf8), fieldMask: "model"))
    let token = try world.simulation.run {
      try await world.network.minter(apiKey: Secret("key")).mint(request)
    }
    #expect(token.name.reveal().hasPrefix("auth_tokens/"))
    let body = String(decoding: EmulatedMinter.body(of: request), as: UTF8.self)
    #expect(
      body == #"{"uses":2,"expireTime":"2026-01-01T00:10:00Z","#
        + #""newSessionExpireTime":"2026-01-01T00:02:00Z","#
        + #""bidiGenerateContentSetup":{"model":"models/test"},"fieldMask":"model"}"#)
    #expect(EmulatedMinter.body(of: TokenRequest()).isEmpty)
  }

  @Test(arguments: [
    (429, MintError.Code.quotaExceeded), (503, .unavailable), (403, .keyRefused),
    (404, .invalidRequest), (418, .malformedResponse),
  ])
  func aRefusedMintIsToldByItsStatus(status: Int, code: MintError.Code) throws {
    let world = World()
    world.network.withService { $0.failNextMints(1, status: status) }
    let error = try world.simulation.run {
      await #expect(throws: MintError.self) {
        try await world.network.minter(apiKey: Secret("key")).mint(TokenRequest())
      }
    }
    #expect(error?.code == code)
    #expect(error?.httpStatus == status)
  }

  @Test func aMintThatReachesNobodyEndsByItsDeadline() throws {
    var configuration = NetworkConfiguration()
    configuration.faults.mintUnreachable = 1
    let world = World(network: configuration)
    let error = try world.simulation.run {
      await #expect(throws: MintError.self) {
        try await world.network.minter(apiKey: Secret("key")).mint(TokenRequest())
      }
    }
    #expect(error?.code == .unreachable)
    #expect(world.simulation.clock.now.nanoseconds == 10_000_000_000)
    #expect(world.network.figures.mintsSeen == 0)
  }

  @Test func aCancelledMintEndsAtOnce() throws {
    let world = World()
    let code = try world.simulation.run {
      await withTaskGroup(of: MintError.Code?.self) { group in
        group.addTask {
          do throws(MintError) {
            _ = try await world.network.minter(apiKey: Secret("key")).mint(TokenRequest())
            return nil
          } catch { return error.code }
        }
        try? await world.simulation.clock.sleep(for: .milliseconds(10))
        group.cancelAll()
        return await group.next() ?? nil
      }
    }
    #expect(code == .cancelled)
    #expect(world.simulation.clock.now.nanoseconds == 10_000_000)
  }

  @Test func aServiceTimerThatNobodyCausedReachesTheClient() throws {
    let world = World()
    let clock = world.simulation.clock
    try world.simulation.run {
      let token = try await world.network.minter(apiKey: Secret("key")).mint(TokenRequest())
      let connection = try await world.dial(token.name)
      connection.send(#"{"setup":{"model":"models/test"}}"#)
      try await clock.sleep(for: .seconds(700))
    }
    #expect(world.bag.texts.value.contains { $0.contains("goAway") })
    #expect(world.bag.texts.value.last?.hasPrefix("closed") == true)
    #expect(world.network.openConnections.isEmpty)
  }
}
