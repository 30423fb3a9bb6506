// SPDX-License-Identifier: Apache-2.0

#if NIO
import LiveEmulator
import NIOPosix
import Testing

@testable import LiveBroker

@Suite("Pings of a peer that are not answered", .timeLimit(.minutes(30)))
struct PongTests {
  private let group = MultiThreadedEventLoopGroup.singleton
  private let sink = CountingSink()
  private let transport: NIOTransport

  init() {
    var configuration = NIOTransportConfiguration()
    configuration.limits.closeTimeout = .unhurried
    configuration.limits.maxUnflushedAge = .unhurried
    transport = NIOTransport(group: group, configuration: configuration)
  }

  private func open(
    _ server: ScriptedServer
  ) async throws -> (any LiveConnection, ScriptedConnection) {
    let connection = try await transport.dial(
      DialRequest(
        endpoint: server.endpoint, credential: .apiKey(Secret("k")), generation: 1,
        executor: EventLoopExecutor(group.next()), sink: sink, timeouts: .unhurried))
    return (connection, try #require(await server.next()))
  }

  @Test("Behind our close frame nothing is sent, and what is not is counted")
  func closing() async throws {
    let server = try await ScriptedServer(group)
    let (connection, remote) = try await open(server)
    await remote.perform(.ping([1]))
    #expect(await remote.nextEvent() == .pong([1]))
    #expect(transport.pongsDropped == 0)
    await remote.perform(.answerCloses(false))
    connection.close(code: 1000, reason: "")
    #expect(await remote.nextEvent() == .close(code: 1000, reason: ""))
    for number in 2...4 { await remote.perform(.ping([UInt8(number)])) }
    await remote.perform(.close(code: 1000, reason: ""))
    guard case .signal(.closed(1000, _))? = await sink.events.next(server.patience) else {
      Issue.record("the close was not told")
      return
    }
    #expect(transport.pongsDropped == 3)
    #expect(await remote.nextEvent() == .ended)
    await server.close()
  }

  @Test("For a peer that does not read no answers pile up, and those left out are counted")
  func unread() async throws {
    let server = try await ScriptedServer(group)
    let (connection, remote) = try await open(server)
    await remote.perform(.read(false))
    for _ in 0..<12 { connection.send(.text([UInt8](repeating: 0x78, count: 1 << 20))) }
    guard case .signal(.writable(false))? = await sink.events.next(server.patience) else {
      Issue.record("nobody was told that the connection is not writable")
      return
    }
    await remote.perform(.ping([1]))
    await remote.perform(.ping([2]))
    await remote.perform(.send(Array("behind".utf8), asText: true, frames: 1))
    guard case .message(6)? = await sink.events.next(server.patience) else {
      Issue.record("the message behind the pings was not told")
      return
    }
    #expect(transport.pongsDropped == 2)
    connection.abort()
    await server.close()
  }
}
#endif
