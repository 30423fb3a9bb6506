// SPDX-License-Identifier: Apache-2.0

import LiveBroker
import LiveEmulator
import Testing

@Suite("The in-memory network as a transport")
struct EmulatedNetworkConformanceTests {
  @Test("The in-memory network conforms", arguments: [1, 2, 3] as [UInt64])
  func conforms(seed: UInt64) throws {
    let simulation = Simulation(seed: seed)
    let peer = EmulatedPeer(simulation)
    let suite = TransportConformance(
      peer.network, peer: peer, runtime: simulation.runtime, patience: .seconds(60))
    let violations = try simulation.run { await suite.check() }
    #expect(violations == [])
  }

  @Test("It conforms in what it does with messages over its limit")
  func limits() throws {
    let simulation = Simulation(seed: 1)
    let peer = EmulatedPeer(simulation) { $0.messageLimit = 1_000 }
    let suite = TransportConformance(
      peer.network, peer: peer, runtime: simulation.runtime, patience: .seconds(60),
      messageLimit: 1_000)
    let name = "a message over the limit ends the connection as soon as that is known"
    let violations = try simulation.run { await suite.check(only: [name]) }
    #expect(violations == [])
    #expect(peer.network.figures.framesLostToClient == 1)
    #expect(peer.network.figures.openSockets == 0)
  }

  @Test("The suite finds a transport that delivers to the wrong generation, late or twice")
  func findsFaults() throws {
    let simulation = Simulation(seed: 1)
    let peer = EmulatedPeer(simulation)
    let suite = TransportConformance(
      FaultyTransport(base: peer.network), peer: peer, runtime: simulation.runtime,
      patience: .seconds(60))
    let violations = try simulation.run { await suite.check() }
    let checks = Set(violations.map(\.check))
    #expect(checks.contains("nothing is sent on a connection before it is told to"))
    #expect(checks.contains("connections keep their generations apart"))
    #expect(checks.contains("a cut connection is told as lost"))
    #expect(checks.contains("a refused upgrade tells status and wait"))
    #expect(checks.contains("a close of the peer is told with code and reason"))
    #expect(checks.contains("after abort the sink hears nothing and the peer sees the end"))
    #expect(checks.contains("nothing is delivered while nobody reads, and all of it afterwards"))
    let ends = violations.filter { $0.message == "the sink was told of the end" }
    #expect(ends.map(\.check) == ["after abort the sink hears nothing and the peer sees the end"])
    let unknown = try simulation.run { await suite.check(only: ["no such check"]) }
    #expect(unknown.count == 1)
  }
}

/// A transport that does many things wrong.
private struct FaultyTransport: LiveTransport {
  let base: any LiveTransport

  func dial(_ request: DialRequest) async throws(TransportError) -> any LiveConnection {
    var changed = request
    changed.sink = FaultySink(base: request.sink)
    do throws(TransportError) {
      let connection = try await base.dial(changed)
      connection.send(.text(Array("hello".utf8)))
      return FaultyConnection(base: connection, generation: request.generation, sink: request.sink)
    } catch {
      let secret =
        if case .ephemeralToken(let secret) = request.credential { secret.reveal() } else { "" }
      throw TransportError(error.code, message: "could not dial with \(secret)")
    }
  }

  /// Reads on when told to pause, and tells of its end when it is aborted.
  private final class FaultyConnection: LiveConnection {
    let base: any LiveConnection
    let generation: UInt32
    let sink: any ConnectionSink

    init(base: any LiveConnection, generation: UInt32, sink: any ConnectionSink) {
      self.base = base
      self.generation = generation
      self.sink = sink
    }

    func send(_ frame: OutboundFrame) { base.send(frame) }
    func close(code: UInt16, reason: String) { base.close(code: code, reason: reason) }
    func setReading(_ enabled: Bool) {}
    func abort() {
      base.abort()
      let error = TransportError(.connectionLost, message: "aborted")
      sink.connection(generation, signalled: .failed(error))
    }
  }

  private final class FaultySink: ConnectionSink {
    let base: any ConnectionSink
    init(base: any ConnectionSink) { self.base = base }

    func connection(_ generation: UInt32, received payload: UnsafeRawBufferPointer) {
      base.connection(generation &+ 1, received: payload)
    }

    func connection(_ generation: UInt32, signalled signal: ConnectionSignal) {
      if case .failed = signal {
        base.connection(generation, signalled: .closed(code: 1006, reason: ""))
      } else {
        base.connection(generation, signalled: signal)
        base.connection(generation, signalled: signal)
      }
    }
  }
}
