// SPDX-License-Identifier: Apache-2.0

#if NIO
import Glibc
import LiveEmulator
import NIOCore
import NIOPosix
import NIOSSL

@testable import LiveBroker

/// A peer that answers whatever comes first with prepared bytes, and then ends the connection in the
/// way it was told to, or stays silent.
final class RudePeer: Sendable {
  /// How a connection ends.
  enum End: Sendable {
    /// It does not.
    case never
    /// In order, by a FIN.
    case finish
    /// By a reset.
    case reset
  }

  /// What came first, on each connection.
  let requests = Transcript<String>()
  private let listener: any Channel

  /// - Parameters:
  ///   - answer: `%ACCEPT%` in it stands for the right `Sec-WebSocket-Accept`.
  ///   - speaksFirst: Whether it waits for nothing.
  init(
    _ group: any EventLoopGroup, _ answer: String, _ end: End, speaksFirst: Bool = false
  ) async throws {
    let requests = requests
    listener = try await ServerBootstrap(group: group)
      .childChannelInitializer { channel in
        channel.eventLoop.makeCompletedFuture {
          try channel.pipeline.syncOperations.addHandler(
            Handler(requests, answer, end, speaksFirst))
        }
      }
      .bind(host: "127.0.0.1", port: 0).get()
  }

  var port: Int { listener.localAddress?.port ?? 0 }

  func endpoint(tls: Bool) -> LiveEndpoint {
    LiveEndpoint(host: "127.0.0.1", port: port, usesTLS: tls)
  }

  func close() async { try? await listener.close() }

  private final class Handler: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer
    typealias OutboundOut = ByteBuffer
    private let requests: Transcript<String>
    private let answer: String
    private let end: End
    private let speaksFirst: Bool
    private var hasSpoken = false

    init(_ requests: Transcript<String>, _ answer: String, _ end: End, _ speaksFirst: Bool) {
      (self.requests, self.answer, self.end) = (requests, answer, end)
      self.speaksFirst = speaksFirst
    }

    func channelActive(context: ChannelHandlerContext) {
      if speaksFirst { speak("", context.channel) }
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
      let request = String(buffer: unwrapInboundIn(data))
      requests.append(request)
      speak(request, context.channel)
    }

    private func speak(_ request: String, _ channel: any Channel) {
      guard !hasSpoken else { return }
      hasSpoken = true
      let key = request.split(separator: "\r\n").first { $0.hasPrefix("Sec-WebSocket-Key: ") }
      let accept = UpgradeKey.accept(for: String(key?.dropFirst(19) ?? ""))
      let bytes = ByteBuffer(string: answer.replacing("%ACCEPT%", with: accept))
      let end = end
      channel.writeAndFlush(bytes).whenComplete { _ in
        switch end {
        case .never: break
        case .finish: channel.close(promise: nil)
        case .reset: RudePeer.reset(channel)
        }
      }
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
      context.close(promise: nil)
    }
  }

  /// Ends a connection by a reset, below any TLS. Called on the channel's loop.
  static func reset(_ channel: any Channel) {
    guard let socket = channel as? any SocketOptionProvider else { return }
    socket.setSoLinger(linger(l_onoff: 1, l_linger: 0)).assumeIsolated().whenComplete { _ in
      let pipeline = channel.pipeline.syncOperations
      guard let tls = try? pipeline.context(handlerType: NIOSSLServerHandler.self) else {
        return channel.close(promise: nil)
      }
      tls.close(promise: nil)
    }
  }
}
#endif
