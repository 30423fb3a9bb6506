// SPDX-License-Identifier: Apache-2.0

#if NIO
import LiveEmulator
import NIOCore
import NIOPosix
import NIOSSL
import Synchronization
import Testing

@testable import LiveBroker

@Suite("What a NIO connection bounds", .timeLimit(.minutes(30)))
struct FlowTests {
  let group = MultiThreadedEventLoopGroup.singleton

  private func open(
    _ server: ScriptedServer, _ sink: CountingSink,
    _ change: (inout NIOTransportConfiguration.Limits) -> Void
  ) async throws -> (any LiveConnection, ScriptedConnection) {
    var configuration = NIOTransportConfiguration()
    change(&configuration.limits)
    let connection = try await NIOTransport(group: group, configuration: configuration).dial(
      DialRequest(
        endpoint: server.endpoint, credential: .apiKey(Secret("k")), generation: 1,
        executor: EventLoopExecutor(group.next()), sink: sink, timeouts: .unhurried))
    return (connection, try #require(await server.next()))
  }

  private func failure(_ sink: CountingSink, _ patience: Patience) async -> TransportError? {
    while let event = await sink.events.next(patience) {
      if case .signal(.failed(let error)) = event { return error }
    }
    return nil
  }

  @Test("A peer that takes nothing ends the connection when too much waits for it")
  func tooMuchUnflushed() async throws {
    let server = try await ScriptedServer(group)
    let sink = CountingSink()
    let (connection, remote) = try await open(server, sink) { $0.maxUnflushed = 1 << 20 }
    try await remote.setReading(false)
    let bytes = [UInt8](repeating: 0x78, count: 1 << 20)
    for _ in 0..<64 { connection.send(.text(bytes)) }
    #expect(await failure(sink, server.patience)?.code == .connectionLost)
    await server.close()
  }

  @Test("A peer that takes nothing for too long ends the connection")
  func tooOldUnflushed() async throws {
    let server = try await ScriptedServer(group)
    let sink = CountingSink()
    let (connection, remote) = try await open(server, sink) { limits in
      limits.maxUnflushed = 1 << 28
      limits.maxUnflushedAge = .milliseconds(100)
    }
    try await remote.setReading(false)
    for _ in 0..<16 { connection.send(.text([UInt8](repeating: 0x78, count: 1 << 20))) }
    #expect(await failure(sink, server.patience)?.code == .connectionLost)
    await server.close()
  }

  @Test("What waits goes out in order once the peer takes it, and that is told")
  func writableAgain() async throws {
    let server = try await ScriptedServer(group)
    let sink = CountingSink()
    let (connection, remote) = try await open(server, sink) { $0.maxUnflushed = 1 << 28 }
    try await remote.setReading(false)
    for index in 0..<16 {
      connection.send(.text([UInt8](repeating: UInt8(0x41 + index), count: 1 << 20)))
    }
    guard case .signal(.writable(false))? = await sink.events.next(server.patience) else {
      Issue.record("nobody was told that the connection is not writable")
      return
    }
    try await remote.setReading(true)
    for index in 0..<16 {
      guard case .message(let bytes)? = await remote.nextEvent() else {
        Issue.record("message \(index) did not arrive")
        return
      }
      #expect(bytes.count == 1 << 20)
      #expect(bytes.allSatisfy { $0 == UInt8(0x41 + index) })
    }
    guard case .signal(.writable(true))? = await sink.events.next(server.patience) else {
      Issue.record("nobody was told that the connection is writable again")
      return
    }
    connection.abort()
    await server.close()
  }

  /// Not `Sendable`, so looked at on its loop only.
  private final class WeakHandler: @unchecked Sendable {
    weak var handler: NIOSSLClientHandler?
  }

  @Test("Of a connection whose peer said both farewells at once TLS keeps nothing")
  func farewells() async throws {
    // On one loop both are there before either is read.
    let group = MultiThreadedEventLoopGroup(numberOfThreads: 1)
    let loop = group.next()
    let server = try await ScriptedServer(group, tls: true)
    let sink = CountingSink()
    var configuration = NIOTransportConfiguration()
    configuration.tls.trustRoots = .pem(Array(TestCertificate.certificate.utf8))
    let connection = try await NIOTransport(group: group, configuration: configuration).dial(
      DialRequest(
        endpoint: server.endpoint, credential: .apiKey(Secret("k")), generation: 1,
        executor: EventLoopExecutor(loop), sink: sink, timeouts: .unhurried))
    let remote = try #require(await server.next())
    let tls = WeakHandler()
    try await loop.submit {
      let context = (connection as? NIOConnection)?.context
      tls.handler = try context?.pipeline.syncOperations.handler(type: NIOSSLClientHandler.self)
    }.get()
    #expect(try await loop.submit { tls.handler != nil }.get())
    try await remote.sayFarewells(1000)
    guard case .signal(.closed(code: 1000, _))? = await sink.events.next(server.patience) else {
      Issue.record("the close was not told")
      return
    }
    // It is gone within a few turns of the loop; its own patience would be five seconds.
    var turns = 0
    while try await loop.submit({ tls.handler != nil }).get(), turns < 1_000 { turns += 1 }
    #expect(turns < 1_000)
    await server.close()
    try await group.shutdownGracefully()
  }

  @Test("A message of many mebibytes in fragments arrives; one above the limit ends the connection")
  func bigMessages() async throws {
    let server = try await ScriptedServer(group)
    let sink = CountingSink()
    let (connection, remote) = try await open(server, sink) { $0.maxMessage = 8 << 20 }
    await remote.perform(
      .send([UInt8](repeating: 1, count: 8 << 20), asText: false, frames: 100))
    guard case .message(let count)? = await sink.events.next(server.patience) else {
      Issue.record("no message")
      return
    }
    #expect(count == 8 << 20)
    await remote.perform(
      .send([UInt8](repeating: 1, count: 8 << 20 + 1), asText: false, frames: 100))
    #expect(await failure(sink, server.patience)?.code == .protocolViolation)
    var seen = await remote.nextEvent()
    while case .pong? = seen { seen = await remote.nextEvent() }
    guard case .close(let code, _)? = seen else {
      Issue.record("the peer saw \(String(describing: seen)) instead of a close frame")
      return
    }
    #expect(code == 1009)
    connection.abort()
    await server.close()
  }

  /// Answers every message with one that is larger than the watermarks.
  private final class EchoSink: ConnectionSink {
    let signals = Transcript<ConnectionSignal>()
    let connection = Mutex<(any LiveConnection)?>(nil)

    func connection(_ generation: UInt32, received payload: UnsafeRawBufferPointer) {
      connection.withLock { $0 }?.send(.text([UInt8](repeating: 0x78, count: 16_384)))
    }
    func connection(_ generation: UInt32, signalled signal: ConnectionSignal) {
      signals.append(signal)
    }
  }

  @Test("What is written from inside a read leaves the connection writable once it has gone out")
  func writableBehindRead() async throws {
    let server = try await ScriptedServer(group)
    let sink = EchoSink()
    let executor = EventLoopExecutor(group.next())
    var configuration = NIOTransportConfiguration()
    configuration.limits.writeLowWatermark = 512
    configuration.limits.writeHighWatermark = 1024
    let connection = try await NIOTransport(group: group, configuration: configuration).dial(
      DialRequest(
        endpoint: server.endpoint, credential: .apiKey(Secret("k")), generation: 1,
        executor: executor, sink: sink, timeouts: .unhurried))
    sink.connection.withLock { $0 = connection }
    let remote = try #require(await server.next())
    await remote.perform(.send(Array("go".utf8), asText: true, frames: 1))
    #expect(await remote.nextEvent() == .message([UInt8](repeating: 0x78, count: 16_384)))
    for _ in 0..<3 { try await executor.eventLoop.submit {}.get() }
    var last = true
    while sink.signals.count > 0 {
      if case .writable(let isWritable)? = await sink.signals.next(server.patience) {
        last = isWritable
      }
    }
    #expect(last, "the engine would hold back what it has for ever")
    sink.connection.withLock { $0 = nil }
    connection.abort()
    await server.close()
  }

  @Test("One message may be larger than what may wait for the peer")
  func hugeMessage() async throws {
    let server = try await ScriptedServer(group)
    let sink = CountingSink()
    let (connection, remote) = try await open(server, sink) { $0.maxUnflushed = 1 << 20 }
    try await remote.setReading(false)
    connection.send(.text([UInt8](repeating: 0x78, count: 16 << 20)))
    connection.send(.ping([1]))
    try await remote.setReading(true)
    guard case .message(let bytes)? = await remote.nextEvent() else {
      Issue.record("it did not arrive")
      return
    }
    #expect(bytes.count == 16 << 20)
    #expect(await remote.nextEvent() == .ping([1]))
    connection.abort()
    await server.close()
  }

  @Test("While nobody reads, what the peer sends stays with the peer")
  func pausedReading() async throws {
    let server = try await ScriptedServer(group)
    let sink = CountingSink()
    let other = CountingSink()
    let (connection, remote) = try await open(server, sink) { _ in }
    let (second, beside) = try await open(server, other) { _ in }
    connection.setReading(false)
    connection.send(.text(Array("paused".utf8)))
    #expect(await remote.nextEvent() == .message(Array("paused".utf8)))
    let count = 32
    for _ in 0..<count {
      await remote.perform(
        .send([UInt8](repeating: 1, count: 1 << 20), asText: false, frames: 1))
    }
    // As much over another connection passes the time without a clock.
    for _ in 0..<count {
      await beside.perform(.send([UInt8](repeating: 2, count: 1 << 20), asText: false, frames: 1))
      _ = await other.events.next(server.patience)
    }
    #expect(try await remote.bytesWaiting() > 8 << 20)
    #expect(sink.events.count == 0)
    connection.setReading(true)
    for _ in 0..<count {
      guard case .message(1 << 20)? = await sink.events.next(server.patience) else {
        Issue.record("not all of it arrived")
        break
      }
    }
    connection.abort()
    second.abort()
    await server.close()
  }
}
#endif
