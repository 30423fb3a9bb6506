// SPDX-License-Identifier: Apache-2.0

#if NIO
import LiveBroker
import NIOCore
import NIOHTTP1
import NIOSSL
import NIOWebSocket

/// The HTTP side of a connection: mints, reports, and upgrades to a WebSocket.
///
/// One request at a time; what a client pipelines waits in the decoder's events, since every answer
/// but the report's is given at once, and a report ends its connection.
final class HTTPFront: ChannelInboundHandler, RemovableChannelHandler {
  typealias InboundIn = HTTPServerRequestPart
  typealias OutboundOut = HTTPServerResponsePart

  private let core: ServerCore
  private let tap: SocketTap
  private var head: HTTPRequestHead?
  private var body: [UInt8] = []
  /// Nothing more is read: the connection ends after the present answer, or never answers.
  private var isFinished = false
  private var report: ReportStream?
  /// Until the report goes on.
  private let pause: LoopTimer

  /// How much of a report is sent between two pauses, and how long a pause is: longer than it takes to
  /// give back the memory of what was sent, so that it is one.
  private static let reportBytes = 64 << 10
  private static let reportPause = TimeAmount.milliseconds(1)

  init(core: ServerCore, tap: SocketTap) {
    self.core = core
    self.tap = tap
    pause = LoopTimer(loop: core.loop, gauge: core.gauge)
  }

  func channelRead(context: ChannelHandlerContext, data: NIOAny) {
    guard !isFinished else { return }
    switch unwrapInboundIn(data) {
    case .head(let head):
      self.head = head
      body = []
      begin(context, head)
    case .body(let bytes):
      guard body.count + bytes.readableBytes <= core.configuration.limits.bodyBytes else {
        return refuse(context, 413, "a body over the limit")
      }
      body.append(contentsOf: bytes.readableBytesView)
    case .end:
      guard let head = head.take() else { return }
      tap.endWait()
      core.gauge.change { $0.requests += 1 }
      answer(context, head)
    }
  }

  /// Refuses a body that is announced to be too large; a client that waits for leave to send one gets
  /// it (RFC 9110, 10.1.1).
  private func begin(_ context: ChannelHandlerContext, _ head: HTTPRequestHead) {
    if let length = head.headers.first(name: "content-length").flatMap({ Int($0) }),
      length > core.configuration.limits.bodyBytes
    {
      return refuse(context, 413, "a body over the limit")
    }
    guard head.headers.first(name: "expect")?.lowercased() == "100-continue" else { return }
    let leave = HTTPResponseHead(version: .http1_1, status: .continue)
    context.writeAndFlush(wrapOutboundOut(.head(leave)), promise: nil)
  }

  private func answer(_ context: ChannelHandlerContext, _ head: HTTPRequestHead) {
    let target = RequestTarget(head.uri)
    let servesV1 = core.configuration.variants.servesV1
    switch ServerRoute(head.method, target.path, servesV1: servesV1) {
    case .mint: mint(context, head, target)
    case .socket(let method, let version): upgrade(context, head, target, method, version)
    case .report: beginReport(context, head, target)
    case .missing:
      core.tell(.requestRefused(status: 404, what: "\(head.method.rawValue) of an unknown path"))
      respond(context, HTTPResponse(404), keepAlive: Self.staysHTTP(head))
    }
  }

  private func mint(
    _ context: ChannelHandlerContext, _ head: HTTPRequestHead, _ target: RequestTarget
  ) {
    let credential = CredentialForm.credential(head.headers, target, takesTokensInHeaders: true)
    let answer = core.mint(credential, body)
    respond(
      context, HTTPResponse(answer.status, json: answer.body, date: answer.date),
      keepAlive: Self.staysHTTP(head))
  }

  /// Whether another request may follow on the connection. Behind one that asks for another protocol
  /// the decoder reads nothing more.
  private static func staysHTTP(_ head: HTTPRequestHead) -> Bool {
    head.isKeepAlive && head.method != .CONNECT && !head.headers.contains(name: "upgrade")
  }

  // MARK: Upgrading

  private static func asksUpgrade(_ head: HTTPRequestHead) -> Bool {
    head.headers[canonicalForm: "upgrade"].contains { $0.lowercased() == "websocket" }
  }

  private func upgrade(
    _ context: ChannelHandlerContext, _ head: HTTPRequestHead, _ target: RequestTarget,
    _ method: ServerRoute.SocketMethod, _ version: String
  ) {
    guard Self.asksUpgrade(head), let key = head.headers.first(name: "sec-websocket-key"),
      key.utf8.count == 24
    else {
      return refuse(context, 400, "a socket's path without a WebSocket upgrade")
    }
    guard head.headers.first(name: "sec-websocket-version") == "13" else {
      return refuse(context, 426, "another version of WebSocket", ["Sec-WebSocket-Version": "13"])
    }
    guard !core.isDraining else {
      return respond(
        context, HTTPResponse(503, json: MintRefusal.unavailable), keepAlive: false)
    }
    if core.draws(core.configuration.faults.stalledUpgrades) {
      isFinished = true
      core.gauge.change { $0.stalled += 1 }
      return core.tell(.stalled(what: "an upgrade"))
    }
    let variants = core.configuration.variants
    let credential = CredentialForm.credential(
      head.headers, target, takesTokensInHeaders: variants.takesTokensInHeaders)
    let (id, answer) = core.upgrade(CredentialForm.fitting(method, credential), version: version)
    switch answer {
    case .accepted:
      core.tell(
        .opened(id, method: method.rawValue, credential: CredentialForm.word(credential)))
      accept(context, key: key, id)
    case .refused(let status, let retryAfter):
      core.change { _, _ in }
      respond(
        context, HTTPResponse(upgradeRefused: status, retryAfter: retryAfter), keepAlive: false)
    }
  }

  /// Answers 101 and puts WebSocket in the place of HTTP. Extensions are declined by not being named.
  private func accept(_ context: ChannelHandlerContext, key: String, _ id: ConnectionID) {
    isFinished = true
    writeHead(context, HTTPResponse.accepting(key))
    context.writeAndFlush(wrapOutboundOut(.end(nil)), promise: nil)
    let pipeline = context.pipeline.syncOperations
    let limit = min(core.configuration.limits.messageBytes, Int(UInt32.max))
    let decoder = ByteToMessageHandler(WebSocketFrameDecoder(maxFrameSize: max(125, limit)))
    let socket = LiveSocket(id: id, core: core, tap: tap)
    do {
      try pipeline.addHandlers([decoder, socket])
      for handler: any RemovableChannelHandler & ChannelHandler in [
        try pipeline.handler(type: HTTPResponseEncoder.self), self,
        try pipeline.handler(type: ByteToMessageHandler<HTTPRequestDecoder>.self),
      ] {
        pipeline.removeHandler(handler, promise: nil)
      }
    } catch {
      // The connection went away meanwhile; `detached` has nothing to undo yet.
      return core.change { service, now in service.disconnected(id, at: now) }
    }
    core.attach(socket)
  }

  // MARK: Reports

  private func beginReport(
    _ context: ChannelHandlerContext, _ head: HTTPRequestHead, _ target: RequestTarget
  ) {
    isFinished = true
    writeHead(context, HTTPResponse.longJSON(core.date, to: head.version))
    report = ReportStream(core: core, query: ReportQuery(target))
    continueReport(context)
  }

  /// Some pieces, then a pause, in which the loop looks after its sockets: it runs tasks that follow one
  /// another without one until none is left. Only while the client reads.
  private func continueReport(_ context: ChannelHandlerContext) {
    guard let report else { return }
    var written = 0
    while written < Self.reportBytes, context.channel.isWritable {
      guard let piece = report.next(context.channel.allocator) else {
        self.report = nil
        return end(context, closes: true)
      }
      written += piece.readableBytes
      context.write(wrapOutboundOut(.body(.byteBuffer(piece))), promise: nil)
    }
    context.flush()
    scheduleReport(context)
  }

  private func scheduleReport(_ context: ChannelHandlerContext) {
    guard context.channel.isWritable, report != nil, pause.deadline == nil else { return }
    pause.set(context.eventLoop.now + Self.reportPause) { self.continueReport(context) }
  }

  func channelWritabilityChanged(context: ChannelHandlerContext) {
    scheduleReport(context)
    context.fireChannelWritabilityChanged()
  }

  func handlerRemoved(context: ChannelHandlerContext) { dropReport() }

  func channelInactive(context: ChannelHandlerContext) {
    dropReport()
    context.fireChannelInactive()
  }

  private func dropReport() {
    pause.cancel()
    report = nil
  }

  // MARK: Answering

  private func refuse(
    _ context: ChannelHandlerContext, _ status: Int, _ what: String, _ headers: HTTPHeaders = [:]
  ) {
    core.tell(.requestRefused(status: status, what: what))
    respond(context, HTTPResponse(status, headers: headers), keepAlive: false)
  }

  private func respond(
    _ context: ChannelHandlerContext, _ response: HTTPResponse, keepAlive: Bool
  ) {
    // Answers must not pile up for a client that asks and does not read.
    let stays = keepAlive && !core.isDraining && context.channel.isWritable
    var response = response
    if !stays { response.head.headers.replaceOrAdd(name: "Connection", value: "close") }
    writeHead(context, response.head)
    if !response.body.isEmpty {
      let bytes = context.channel.allocator.buffer(bytes: response.body)
      context.write(wrapOutboundOut(.body(.byteBuffer(bytes))), promise: nil)
    }
    isFinished = !stays
    end(context, closes: !stays)
  }

  private func writeHead(_ context: ChannelHandlerContext, _ head: HTTPResponseHead) {
    var head = head
    if !head.headers.contains(name: "Date") {
      head.headers.add(name: "Date", value: core.date.httpDate)
    }
    context.write(wrapOutboundOut(.head(head)), promise: nil)
  }

  /// Ends a response; and the connection with it, once everything is out, or after a while.
  private func end(_ context: ChannelHandlerContext, closes: Bool) {
    core.waits(tap)
    guard closes else { return context.writeAndFlush(wrapOutboundOut(.end(nil)), promise: nil) }
    let bound = NIOLoopBound(context, eventLoop: context.eventLoop)
    let written = context.eventLoop.makePromise(of: Void.self)
    written.futureResult.whenComplete { _ in bound.value.close(promise: nil) }
    context.writeAndFlush(wrapOutboundOut(.end(nil)), promise: written)
  }

  func errorCaught(context: ChannelHandlerContext, error: any Error) {
    if case .handshakeFailed? = error as? NIOSSLError { core.tell(.handshakeFailed) }
    guard error is HTTPParserError, !isFinished else {
      context.close(promise: nil)
      return
    }
    refuse(context, 400, "bytes that are no HTTP")
  }
}
#endif
