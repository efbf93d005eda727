/* What the machine can do: one thread on epoll, and no more code than the roles need. */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

enum { SIZE = 65536, EVENTS = 512 };

struct connection {
  int fd;
  uint64_t seen;
  size_t held; /* bytes of an unfinished message in `buffer` */
  char *buffer, *answer;
};

static int loop;
static char shared[SIZE];
static void (*serve)(struct connection *);

static void finish(struct connection *connection) {
  close(connection->fd);
  free(connection->buffer);
  free(connection->answer);
  free(connection);
}

/* Nothing of what these roles answer may be lost: the load reads all the time, so a short write is rare, and waited for. */
static void send_all(int fd, const char *data, size_t size) {
  while (size > 0) {
    ssize_t sent = write(fd, data, size);
    if (sent < 0 && errno != EAGAIN) return;
    if (sent > 0) data += sent, size -= sent;
  }
}

static void tell(struct connection *connection) {
  char text[32];
  send_all(connection->fd, text, sprintf(text, "%llu", (unsigned long long)connection->seen));
}

static void echo(struct connection *connection) {
  for (;;) {
    ssize_t size = read(connection->fd, shared, SIZE);
    if (size < 0 && errno == EAGAIN) return;
    if (size <= 0) return finish(connection);
    send_all(connection->fd, shared, size);
    if (size < SIZE) return;
  }
}

/* Reads behind what is held; gives the bytes there are, 0 when there are no new ones; ends the connection at its end. */
static size_t fill(struct connection **of) {
  struct connection *connection = *of;
  if (!connection->buffer) connection->buffer = malloc(2 * SIZE);
  ssize_t size = read(connection->fd, connection->buffer + connection->held, SIZE);
  if (size < 0 && errno == EAGAIN) return 0;
  if (size > 0) return connection->held += size;
  if (size == 0) tell(connection);
  finish(connection);
  *of = NULL;
  return 0;
}

static void keep(struct connection *connection, size_t from) {
  connection->held -= from;
  memmove(connection->buffer, connection->buffer + from, connection->held);
}

static void lines(struct connection *connection) {
  size_t size = fill(&connection), start = 0;
  if (size == 0) return;
  for (char *end; (end = memchr(connection->buffer + start, '\n', size - start)); connection->seen++) start = end + 1 - connection->buffer;
  keep(connection, start);
}

/* The lines of a chunk are answered one by one, into one buffer, which leaves in one call. */
static void lines_echo(struct connection *connection) {
  if (!connection->answer) connection->answer = malloc(2 * SIZE);
  size_t size = fill(&connection), start = 0, answered = 0;
  if (size == 0) return;
  for (char *end; (end = memchr(connection->buffer + start, '\n', size - start));) {
    size_t next = end + 1 - connection->buffer;
    memcpy(connection->answer + answered, connection->buffer + start, next - start);
    answered += next - start;
    start = next;
  }
  send_all(connection->fd, connection->answer, answered);
  keep(connection, start);
}

static void frames(struct connection *connection) {
  size_t size = fill(&connection), start = 0;
  if (size == 0) return;
  for (uint32_t length; size - start >= 4; connection->seen++) {
    memcpy(&length, connection->buffer + start, 4);
    length = ntohl(length);
    if (size - start - 4 < length) break;
    start += 4 + length;
  }
  keep(connection, start);
}

static void sink(struct connection *connection) {
  ssize_t size = read(connection->fd, shared, SIZE);
  if (size < 0 && errno == EAGAIN) return;
  if (size > 0) {
    connection->seen += size;
    return;
  }
  tell(connection);
  finish(connection);
}

static void source(struct connection *connection) {
  for (int i = 0; i < 8; i++) {
    ssize_t sent = write(connection->fd, shared, SIZE);
    if (sent < 0 && errno == EAGAIN) return;
    if (sent < 0) return finish(connection);
  }
}

static const struct { const char *name; void (*serve)(struct connection *); } roles[] = {
    {"echo", echo}, {"lines-echo", lines_echo}, {"lines", lines}, {"frames", frames}, {"sink", sink}, {"source", source}};

int main(int count, char **arguments) {
  signal(SIGPIPE, SIG_IGN);
  for (size_t i = 0; i < sizeof roles / sizeof *roles; i++)
    if (count > 1 && !strcmp(arguments[1], roles[i].name)) serve = roles[i].serve;
  if (!serve) return 2;
  struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
  socklen_t size = sizeof address;
  int server = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
  if (bind(server, (struct sockaddr *)&address, size) || listen(server, 1024)) return 1;
  getsockname(server, (struct sockaddr *)&address, &size);
  loop = epoll_create1(0);
  struct epoll_event event = {.events = EPOLLIN};
  epoll_ctl(loop, EPOLL_CTL_ADD, server, &event);
  printf("%d\n", ntohs(address.sin_port));
  fflush(stdout);
  for (;;) {
    struct epoll_event events[EVENTS];
    int ready = epoll_wait(loop, events, EVENTS, -1);
    for (int i = 0; i < ready; i++) {
      if (events[i].data.ptr) {
        serve(events[i].data.ptr);
        continue;
      }
      for (int fd, on = 1; (fd = accept4(server, NULL, NULL, SOCK_NONBLOCK)) >= 0;) {
        setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
        struct connection *connection = calloc(1, sizeof *connection);
        connection->fd = fd;
        event = (struct epoll_event){.events = serve == source ? EPOLLOUT : EPOLLIN, .data.ptr = connection};
        epoll_ctl(loop, EPOLL_CTL_ADD, fd, &event);
      }
    }
  }
}
